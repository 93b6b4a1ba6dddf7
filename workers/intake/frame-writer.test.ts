import { describe, test } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import { decodeFrame, type Frame } from '../../proto/frame.ts'
import { Counts } from './counts.ts'
import { FrameWriter } from './frame-writer.ts'
import { tokensOf } from './testing/hand-lane.ts'

const block = (byte: number) => ({ kind: 'bytes', bytes: Uint8Array.of(byte) }) as const
const end = { kind: 'end', finish: 'stop', promptTokens: 1, cachedTokens: 0 } as const

function writer(from = 0) {
  const frames: Frame[] = []
  const counts = new Counts()
  const write = new FrameWriter(3, from, counts, (bytes) => frames.push(decodeFrame(bytes)))
  return { frames, counts, write }
}

describe('a frame writer', () => {
  test('sends what came together as one frame', ({ expect }) => {
    const { frames, write, counts } = writer(10)
    write.write([tokensOf(10, 2), tokensOf(12, 1), tokensOf(13, 3)])
    expect(frames).toEqual([{ epoch: 3, seq: 10, count: 6, ...tokensOf(10, 6) }])
    expect([write.next, counts.tokens, counts.frames]).toEqual([16, 6, 1])
  })

  test('keeps the order of what is no token, which takes no position', ({ expect }) => {
    const { frames, write } = writer()
    const progress = { kind: 'progress', done: 1, total: 2 } as const
    expect(write.write([progress, tokensOf(0, 1), { kind: 'consumed', through: 4 }])).toBe(false)
    expect(write.write([tokensOf(1, 2), end])).toBe(true)
    expect(frames.map(({ kind, seq, count }) => [kind, seq, count])).toEqual([
      ['progress', 0, 0],
      ['tokens', 0, 1],
      ['consumed', 1, 0],
      ['tokens', 1, 2],
      ['end', 3, 0],
    ])
  })

  test('counts blocks, each a frame of its own', ({ expect }) => {
    const { frames, write, counts } = writer(5)
    write.write([block(1), block(2)])
    expect(frames.map(({ seq, count }) => [seq, count])).toEqual([
      [5, 1],
      [6, 1],
    ])
    expect(counts.blocks).toBe(2)
  })

  test('splits what is too much for one frame', ({ expect }) => {
    const { frames, write } = writer()
    write.write([tokensOf(0, 700), tokensOf(700, 500)])
    expect(frames.map(({ seq, count }) => [seq, count])).toEqual([
      [0, 512],
      [512, 512],
      [1_024, 176],
    ])
  })

  test('splits long texts by their bytes', ({ expect }) => {
    const { frames, write } = writer()
    const texts = Array.from({ length: 10 }, () => 'ü'.repeat(15_000))
    write.write([{ kind: 'tokens', ids: texts.map((_, i) => i), texts }])
    expect(frames.map(({ seq, count }) => [seq, count])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 2],
      [8, 2],
    ])
  })

  test('sends scores with their tokens, and splits by their bytes too', ({ expect }) => {
    const { frames, write } = writer()
    const scores = Array.from({ length: 8 }, (_, i) => new Uint8Array(50_000).fill(i))
    write.write([{ ...tokensOf(0, 8), scores }])
    expect(frames.map(({ seq, count }) => [seq, count])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 2],
    ])
    const sent = frames.flatMap((frame) => Reflect.get(frame, 'scores') as Uint8Array[])
    expect(sent).toEqual(scores)
  })

  test('says nothing for tokens that are none', ({ expect }) => {
    const { frames, write } = writer()
    write.write([tokensOf(0, 0)])
    write.write([])
    expect(frames).toEqual([])
  })

  test('says at which position it failed', ({ expect }) => {
    const { frames, write } = writer(2)
    write.write([tokensOf(2, 3)])
    const failure = new Failure('engine_failed', 'Gone.').toJSON()
    write.fail(failure)
    expect(frames.at(-1)).toEqual({ epoch: 3, seq: 5, count: 0, kind: 'failed', failure })
  })
})
