import { setImmediate } from 'node:timers/promises'
import { describe, test, vi } from 'vitest'
import { Failure } from '../../../proto/failure.ts'
import { sampleChat } from '../sample-jobs.ts'
import { Answer } from './answer.ts'
import { Gang, type Seat } from './gang.ts'
import { Pacer } from './pacer.ts'
import { ReadingRate } from './reading-rate.ts'
import { Stream } from './stream.ts'

/** A slot that draws ever higher numbers and writes down what it is asked; token 13 is its undoing. */
function seat(log: string[], name: string): Seat {
  let size = 0
  const take = async (verb: string, tokens: readonly number[]) => {
    log.push(`${name} ${verb} ${tokens.length}`)
    size += tokens.length
    await setImmediate()
    if (tokens.includes(13)) throw new Error('native trouble')
  }
  return {
    usedAtMs: 0,
    shares: () => 0,
    keep: () => (size = 0),
    reset: () => void log.push(`${name} reset`),
    read: (tokens) => take('read', tokens),
    draw: async (tokens) => {
      await take('draw', tokens)
      return { token: 1000 + size }
    },
  }
}

const pieceOf = () => new Uint8Array()

/** The sizes of the pieces that were taken with `verb`. */
const pieces = (log: string[], verb: string): number[] =>
  log.filter((line) => line.includes(verb)).map((line) => Number(line.split(' ').at(-1)))

function gangOf(seats: Seat[], { exact = true, cold = false } = {}) {
  const broken = vi.fn<(cause: unknown) => void>()
  const gang = new Gang({
    slots: seats,
    pacer: new Pacer(null),
    rate: new ReadingRate(8),
    exact,
    cold,
    scoreOf: () => new Uint8Array(),
    broken,
  })
  const say = async (prompt: number[], { tokens = 5, prefix = [] as number[] } = {}) => {
    const { sampling } = sampleChat('x', '')
    const answer = new Answer({ pieceOf, isEnd: () => false, stop: [], limit: tokens })
    for (const id of prefix) answer.take(id)
    const stream = new Stream({ prompt, answer, sampling, exact }, () => gang.wake())
    gang.join(stream)
    const outputs = await Array.fromAsync(stream.outputs(AbortSignal.timeout(5000)))
    return outputs.flatMap((output) => (output.kind === 'tokens' ? output.ids : []))
  }
  return { gang, say, broken }
}

const prompt = (size: number) => Array.from({ length: size }, () => 1)

describe('a gang', () => {
  test('reads a prompt in pieces, none of them single, and draws with the last', async ({
    expect,
  }) => {
    for (const size of [2, 3, 8, 9, 16, 17, 18, 25]) {
      const log: string[] = []
      const { gang, say } = gangOf([seat(log, 'a')])
      expect(await say(prompt(size))).toHaveLength(5)
      const [first, ...rest] = pieces(log, 'draw')
      expect([...pieces(log, 'read'), first]).not.toContain(1)
      expect(rest).toEqual([1, 1, 1, 1])
      await gang.close()
    }
  })

  test.for([
    { exact: true, steps: ['read 8', 'read 1', 'read 1', 'draw 1', 'draw 1'] },
    { exact: false, steps: ['read 8', 'read 2', 'draw 1', 'draw 1'] },
  ])(
    'replays what was said, token by token where exact is $exact',
    async ({ exact, steps }, { expect }) => {
      const log: string[] = []
      const { gang, say } = gangOf([seat(log, 'a')], { exact })
      expect(await say(prompt(8), { prefix: [5, 6, 7], tokens: 5 })).toHaveLength(2)
      expect(log).toEqual(steps.map((step) => `a ${step}`))
      await gang.close()
    },
  )

  test.for([
    { cold: false, kept: 6 },
    { cold: true, kept: 0 },
  ])('keeps $kept warm tokens where cold is $cold', async ({ cold, kept }, { expect }) => {
    const log: string[] = []
    const keep = vi.fn<(size: number) => number>((size) => size)
    const { gang, say } = gangOf([{ ...seat(log, 'a'), shares: () => 6, keep }], { cold })
    await say(prompt(8))
    expect(keep).toHaveBeenCalledExactlyOnceWith(kept)
    await gang.close()
  })

  test('steps its streams together', async ({ expect }) => {
    const log: string[] = []
    const { gang, say } = gangOf([seat(log, 'a'), seat(log, 'b')])
    await Promise.all([say(prompt(4)), say(prompt(4))])
    expect(log.slice(2)).toEqual([1, 2, 3, 4].flatMap(() => ['a draw 1', 'b draw 1']))
    await gang.close()
  })

  test('loses one stream to a failure, and nothing else', async ({ expect }) => {
    const log: string[] = []
    const { gang, say, broken } = gangOf([seat(log, 'a'), seat(log, 'b')])
    const [bad, good] = await Promise.allSettled([say([1, 13, 1]), say(prompt(4))])
    expect(bad).toMatchObject({
      reason: { code: 'engine_failed', cause: { message: 'native trouble' } },
    })
    expect(good).toMatchObject({ value: { length: 5 } })
    expect(log.filter((line) => line.includes('reset'))).toEqual(['a reset'])
    expect(await Promise.all([say(prompt(4)), say(prompt(4))])).toMatchObject([
      { length: 5 },
      { length: 5 },
    ])
    expect(broken).not.toHaveBeenCalled()
    await gang.close()
  })

  test('tells what a stream may be told of its failure', async ({ expect }) => {
    const refusing = {
      ...seat([], 'a'),
      draw: async () => {
        throw new Failure('invalid', 'Too much.', { param: 'response_format' })
      },
    }
    const { gang, say } = gangOf([refusing])
    await expect(say(prompt(4))).rejects.toMatchObject({ code: 'invalid', message: 'Too much.' })
    await gang.close()
  })

  test('gives up when a slot cannot be mended, and says so to all', async ({ expect }) => {
    const sick = {
      ...seat([], 'a'),
      reset: vi.fn<() => void>().mockThrow(new Error('no way back')),
    }
    const { gang, say, broken } = gangOf([sick, seat([], 'b')])
    const ends = await Promise.allSettled([
      say([1, 13, 1]),
      say(prompt(4), { tokens: 1e6 }),
      say(prompt(4)),
    ])
    for (const end of ends) expect(end).toMatchObject({ reason: { code: 'engine_failed' } })
    expect(broken).toHaveBeenCalledExactlyOnceWith(new Error('no way back'))
    await expect(say(prompt(4))).rejects.toMatchObject({ code: 'unavailable' })
    await gang.close()
  })
})
