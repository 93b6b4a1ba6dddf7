import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bodyOf } from './body.ts'

const opening = new Uint8Array([0])

const bytes = new Uint8Array([1])
const nothing = (): void => undefined

async function* over() {
  yield bytes
}
async function* nothingAtAll() {}
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
    await Array.fromAsync(bodyOf(over(), { opening, onHangup: nothing }))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('keeps no timer once its source broke, and tells its reader', async () => {
    await expect(Array.fromAsync(bodyOf(broken(), { opening, onHangup: nothing }))).rejects.toThrow(
      'it broke',
    )
    expect(vi.getTimerCount()).toBe(0)
  })

  test('keeps no timer once its reader left, and says so', async () => {
    const left = vi.fn<() => void>()
    const reader = bodyOf(stuck(), { opening, onHangup: left }).getReader()
    await reader.read()
    await reader.cancel()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(left).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('says something now and then while its source is silent', async () => {
    const reader = bodyOf(silent(), { opening, onHangup: nothing }).getReader()
    const [first, second] = [reader.read(), reader.read()]
    await vi.advanceTimersByTimeAsync(2_100)
    expect((await first).value).toEqual(opening)
    expect(new TextDecoder().decode((await second).value)).toBe(':\n')
    await reader.cancel()
  })

  test('opens with what comes at once, and does not wait for what does not', async () => {
    const quick = bodyOf(stuck(), { opening, onHangup: nothing }).getReader()
    expect((await quick.read()).value).toEqual(new Uint8Array([0, 1]))
    await quick.cancel()
    const slow = bodyOf(silent(), { opening, onHangup: nothing }).getReader()
    const read = slow.read()
    await vi.advanceTimersByTimeAsync(10)
    expect((await read).value).toEqual(opening)
    await slow.cancel()
  })

  test('is opened even where nothing is said', async () => {
    const said = await Array.fromAsync(bodyOf(nothingAtAll(), { opening, onHangup: nothing }))
    expect(said).toEqual([opening])
  })
})
