import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bodyOf } from './body.ts'

const bytes = new Uint8Array([1])
const nothing = (): void => undefined

async function* over() {
  yield bytes
}
async function* broken() {
  yield bytes
  throw new Error('it broke')
}
async function* stuck() {
  yield bytes
  await new Promise(nothing)
}
async function* silent() {
  await new Promise(nothing)
  yield bytes
}

describe('the body of an event stream', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('keeps no timer once its source is over', async () => {
    await Array.fromAsync(bodyOf(over(), nothing))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('keeps no timer once its source broke, and tells its reader', async () => {
    await expect(Array.fromAsync(bodyOf(broken(), nothing))).rejects.toThrow('it broke')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('keeps no timer once its reader left, and says so', async () => {
    const left = vi.fn<() => void>()
    const reader = bodyOf(stuck(), left).getReader()
    await reader.read()
    await reader.cancel()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(left).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('says something now and then while its source is silent', async () => {
    const reader = bodyOf(silent(), nothing).getReader()
    const read = reader.read()
    await vi.advanceTimersByTimeAsync(2_100)
    expect(new TextDecoder().decode((await read).value)).toBe(':\n')
    await reader.cancel()
  })
})
