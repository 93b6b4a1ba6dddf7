import { describe, test } from 'vitest'
import { Credit } from './credit.ts'

const listening = () => new AbortController().signal

describe('credit', () => {
  test('is what is left up to its end', async ({ expect }) => {
    const credit = new Credit(10, listening())
    expect(await credit.room(4, listening())).toBe(6)
    credit.raise(20)
    credit.raise(12)
    expect(await credit.room(4, listening())).toBe(16)
  })

  test('is waited for, as often as it takes', async ({ expect }) => {
    const credit = new Credit(0, listening())
    const room = credit.room(5, listening())
    for (const upTo of [3, 5, 9]) {
      credit.raise(upTo)
      await Promise.resolve()
    }
    expect(await room).toBe(4)
  })

  test('is no longer waited for when the job is cancelled', async ({ expect }) => {
    const abort = new AbortController()
    const room = new Credit(0, abort.signal).room(0, abort.signal)
    abort.abort(new Error('cancelled'))
    await expect(room).rejects.toThrow('cancelled')
  })
})
