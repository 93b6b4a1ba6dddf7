import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { echoEngine } from '../echo.ts'
import type { Engine } from '../engine.ts'
import type { Replay } from '../replay.ts'
import { replayTest, type Finding, type ReplayPlan } from './replay-test.ts'
import { verdictOf } from './verdict.ts'

const plan: ReplayPlan = { model: 'echo-12-0-0', prompts: ['a', 'b'], tokens: 10, cuts: 3 }

/** An echo whose continued answers are changed from the last token but one. */
function changed(what: Finding): Engine {
  const echo = echoEngine({ slots: 2 })
  const other = { exact: [0, 0], 'same-tokens': [0, 1], differs: [1, 0] }[what]
  return {
    ...echo,
    async *run(task, signal) {
      let position = task.from
      for await (const output of echo.run(task, signal)) {
        const late = task.from > 0 && position === 8 && output.kind === 'tokens'
        position += output.kind === 'tokens' ? 1 : 0
        if (!late || !output.scores) yield output
        else
          yield {
            ...output,
            ids: output.ids.map((id) => id + (other[0] ?? 0)),
            scores: output.scores.map((score) => Uint8Array.of(...score, ...(other[1] ? [0] : []))),
          }
      }
    },
  }
}

const run = (prefill: Finding, oneByOne: Finding) =>
  replayTest(plan, async (replay) => changed({ prefill, 'one-by-one': oneByOne }[replay]))

describe('a replay test', () => {
  test.for<[Finding, Finding]>([
    ['exact', 'exact'],
    ['same-tokens', 'exact'],
    ['differs', 'exact'],
    ['differs', 'same-tokens'],
    ['differs', 'differs'],
  ])('finds prefill %s, and one by one %s', async ([prefill, oneByOne]) => {
    const { found, rows } = await run(prefill, oneByOne)
    expect(found).toEqual({ prefill, 'one-by-one': oneByOne })
    expect(rows.map(({ continued }) => continued)).toEqual(Array.from({ length: 8 }, () => 6))
  })

  test('says how many it found', async () => {
    const { rows } = await run('differs', 'same-tokens')
    // Cut after 1 and 5 the answer reaches what was changed, and cut after 9 it does not.
    expect(rows[0]).toEqual({
      replay: 'prefill',
      sampling: 'greedy',
      beside: false,
      continued: 6,
      sameTokens: 2,
      sameBits: 2,
    })
    expect(rows[7]).toEqual({
      replay: 'one-by-one',
      sampling: 'sampled',
      beside: true,
      continued: 6,
      sameTokens: 6,
      sameBits: 2,
    })
  })

  test('of a model that says nothing finds nothing', async () => {
    const silent = { ...plan, model: 'echo-0-0-0' }
    const finding = replayTest(silent, async () => echoEngine())
    await expect(finding).rejects.toThrow('nothing was compared')
  })

  test.for<[Finding, Finding, Replay, RegExp]>([
    ['exact', 'exact', 'prefill', /^As its manifest.*last bit\.$/],
    ['exact', 'exact', 'one-by-one', /"prefill" is as good on this device, and faster\.$/],
    [
      'same-tokens',
      'exact',
      'prefill',
      /With "replay": "one-by-one" in the manifest of "m", every/,
    ],
    ['same-tokens', 'exact', 'one-by-one', /^As its manifest.*last bit\.$/],
    ['differs', 'differs', 'prefill', /"one-by-one" is no better on this device\.$/],
  ])('of %s and %s with "%s" advises: %s', ([prefill, oneByOne, now, advice]) => {
    const found = { prefill, 'one-by-one': oneByOne }
    expect(verdictOf({ model: 'm', rows: [], found }, now)).toMatch(advice)
  })
})

const main = (...args: string[]) =>
  promisify(execFile)(process.execPath, [
    fileURLToPath(new URL('main.ts', import.meta.url)),
    ...args,
  ])

describe('the program', () => {
  test('finds the built-in model exact, replayed as its manifest has it', async () => {
    const { stdout } = await main('june-chat', '--json', '--tokens', '8', '--cuts', '2')
    const report = JSON.parse(stdout) as object
    expect(report).toMatchObject({ manifest: 'one-by-one', found: { 'one-by-one': 'exact' } })
    expect(report).toMatchObject({ rows: { length: 8 } })
  })

  test('names the model that is nowhere', async () => {
    await expect(main('nobody')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No folder of models holds "nobody".'),
    })
  })
})
