import { describe, test } from 'vitest'
import type { InputFrame } from '../../proto/input.ts'
import { InputStream } from './input-stream.ts'

const block = (seq: number): InputFrame => ({
  epoch: 1,
  seq,
  kind: 'block',
  bytes: Uint8Array.of(seq),
})
const end = (seq: number): InputFrame => ({ epoch: 1, seq, kind: 'end' })

describe('an input stream', () => {
  test.for([
    { title: 'in order', frames: [block(3), block(4), end(5)] },
    { title: 'repeated', frames: [block(3), block(3), block(4), block(3), end(5)] },
    { title: 'from before', frames: [block(1), end(2), block(3), block(4), end(5)] },
    { title: 'ahead', frames: [block(4), end(9), block(3), block(4), block(6), end(5), block(5)] },
  ])('$title gives each block once', async ({ frames }, { expect }) => {
    const input = new InputStream(3, new AbortController().signal)
    for (const frame of frames) input.take(frame)
    const blocks = await Array.fromAsync({
      [Symbol.asyncIterator]: () => input[Symbol.asyncIterator](),
    })
    expect(blocks.map(({ seq }) => seq)).toEqual([3, 4])
  })

  test('throws the reason to whoever waits when the job is cancelled', async ({ expect }) => {
    const abort = new AbortController()
    const input = new InputStream(0, abort.signal)
    const waiting = input[Symbol.asyncIterator]().next()
    abort.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
  })
})
