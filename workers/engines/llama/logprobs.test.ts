import { test as base } from 'vitest'
import { decodeScore, nameOf, type Score } from '../../../proto/score.ts'
import { engineContract, hear } from '../engine.contract.ts'
import { ask, juneChat, taskOf } from './june-chat.fixture.ts'
import { llamaEngine } from './llama-engine.ts'

const QUESTION = 'What happens when a worker dies?'

engineContract(
  'llama, with log probabilities,',
  () => llamaEngine(juneChat),
  (_, prefix) => taskOf(ask(QUESTION, { maxTokens: 400, temperature: 1, logprobs: 3 }), prefix),
)

const test = base.extend('engine', { scope: 'file' }, async ({}, { onCleanup }) => {
  const engine = await llamaEngine(juneChat)
  onCleanup(() => engine[Symbol.asyncDispose]())
  return engine
})

const decoded = (scores: readonly string[]): Score[] =>
  scores.map((score) => decodeScore(Buffer.from(score, 'hex')))
const sum = (probabilities: readonly number[]): number => probabilities.reduce((a, b) => a + b, 0)

test('as many of the likeliest are told as are asked for, the likeliest first', async ({
  engine,
  expect,
}) => {
  for (const logprobs of [0, 1, 20]) {
    const { ids, scores } = await hear(engine, taskOf(ask(QUESTION, { logprobs })))
    expect(scores).toHaveLength(ids.length)
    for (const { token, top } of decoded(scores)) {
      expect(top).toHaveLength(logprobs)
      const all = top.map(({ logprob }) => logprob)
      expect(all).toEqual(all.toSorted((a, b) => b - a))
      // Greedy: what was drawn is the likeliest.
      expect(top.slice(0, 1)).toEqual([token].slice(0, logprobs))
      expect(token.logprob).toBeLessThanOrEqual(0)
    }
  }
})

test('they are probabilities: what was drawn and all others make one', async ({
  engine,
  expect,
}) => {
  // Twenty of 1024 hold nearly everything where a trained model is sure, and never more than everything.
  const { scores } = await hear(engine, taskOf(ask(QUESTION, { logprobs: 20 })))
  const sums = decoded(scores).map(({ top }) => sum(top.map(({ logprob }) => Math.exp(logprob))))
  expect(Math.max(...sums)).toBeLessThanOrEqual(1.000_01)
  expect(Math.min(...sums)).toBeGreaterThan(0.9)
})

test('they are of the model itself, whatever the sampling does with them', async ({
  engine,
  expect,
}) => {
  const first = async (sampling: object) => {
    const { scores } = await hear(engine, taskOf(ask(QUESTION, { logprobs: 5, ...sampling })))
    return decoded(scores)[0]?.top
  }
  const plain = await first({})
  expect(plain).toHaveLength(5)
  const format = { kind: 'json' as const }
  for (const sampling of [{ temperature: 2 }, { temperature: 1, topP: 0.1 }, { format }])
    expect(await first(sampling)).toEqual(plain)
})

test('their bytes are those of the tokens, whenever the text is shown', async ({
  engine,
  expect,
}) => {
  const { scores, texts } = await hear(
    engine,
    taskOf(ask(QUESTION, { logprobs: 0, temperature: 1 })),
  )
  const bytes = decoded(scores).flatMap(({ token }) => Array.from(token.bytes))
  expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(texts.join(''))
})

test('a control token is told by its name, and as no text', async ({ engine, expect }) => {
  const hot = [1, 2, 3, 4].map((seed) => ask(QUESTION, { logprobs: 20, temperature: 2, seed }))
  const heard = await Promise.all(hot.map((job) => hear(engine, taskOf(job))))
  const all = heard.flatMap(({ scores }) => decoded(scores).flatMap(({ top }) => top))
  const controls = all.filter(({ isText }) => !isText)
  expect(new Set(controls.map(nameOf))).toContain('<|im_end|>')
})

test('nothing is told that nobody asks for', async ({ engine, expect }) => {
  expect((await hear(engine, taskOf(ask(QUESTION)))).scores).toEqual([])
})
