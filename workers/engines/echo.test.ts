import { describe, test } from 'vitest'
import { echoToken } from '../../proto/echo.ts'
import { decodeScore, nameOf } from '../../proto/score.ts'
import { echoEngine } from './echo.ts'
import { engineContract, hear } from './engine.contract.ts'
import type { Engine, Task } from './engine.ts'
import { sampleChat } from './sample-jobs.ts'

const taskOf = (job: Task['job'], from = 0): Task => ({
  job,
  from,
  prefix: [],
  input: (async function* () {})(),
})

engineContract(
  'echo',
  async () => echoEngine({ slots: 4 }),
  (from) => taskOf(sampleChat('echo-24-1-0', 'hello'), from),
)

engineContract(
  'echo, with log probabilities,',
  async () => echoEngine({ slots: 4 }),
  (from) => taskOf(sampleChat('echo-24-1-0', 'hello', { logprobs: 2 }), from),
)

describe('echo', () => {
  const engine: Engine = echoEngine()

  test('says what anyone can foretell', async ({ expect }) => {
    const { ids, texts } = await hear(engine, taskOf(sampleChat('echo-20-0-0', 'hi', { seed: 7 })))
    const foretold = Array.from({ length: 20 }, (_, i) => echoToken(7, i))
    expect(ids).toEqual(foretold.map(({ id }) => id))
    expect(texts).toEqual(foretold.map(({ text }) => text))
  })

  test.for([
    { maxTokens: null, says: 20, finish: 'stop' },
    { maxTokens: 20, says: 20, finish: 'stop' },
    { maxTokens: 19, says: 19, finish: 'length' },
    { maxTokens: 1, says: 1, finish: 'length' },
    { maxTokens: 0, says: 0, finish: 'length' },
  ])(
    'with at most $maxTokens tokens it says $says',
    async ({ maxTokens, says, finish }, { expect }) => {
      const job = sampleChat('echo-20-0-0', 'one two  three', { maxTokens })
      const { ids, outputs } = await hear(engine, taskOf(job))
      expect(ids).toHaveLength(says)
      expect(outputs.at(-1)).toEqual({ kind: 'end', finish, promptTokens: 3, cachedTokens: 0 })
    },
  )

  test('says a message again, in pieces, from any position', async ({ expect }) => {
    const job = sampleChat('echo-say-0', 'Wörter 🎈 <tool_call>')
    const { texts } = await hear(engine, taskOf(job))
    expect(texts.join('')).toBe('Wörter 🎈 <tool_call>')
    expect(texts.length).toBeGreaterThan(5)
    expect((await hear(engine, taskOf(job, 4))).texts).toEqual(texts.slice(4))
  })

  test('counts a prompt that is no conversation', async ({ expect }) => {
    const job = { ...sampleChat('echo-3-0-0', ''), messages: [], prompt: 'once upon a time' }
    expect((await hear(engine, taskOf(job))).outputs.at(-1)).toMatchObject({ promptTokens: 4 })
  })

  test.for([
    { logprobs: 0, top: 0 },
    { logprobs: 20, top: 1 },
  ])('is certain of each token, and has $top to tell of $logprobs', async (asked, { expect }) => {
    const job = sampleChat('echo-3-0-0', 'hi', { seed: 7, logprobs: asked.logprobs })
    const { scores, texts } = await hear(engine, taskOf(job))
    const told = scores.map((score) => decodeScore(Buffer.from(score, 'hex')))
    expect(told.map(({ token }) => nameOf(token))).toEqual(texts)
    expect(told.map(({ token }) => token.logprob)).toEqual([0, 0, 0])
    expect(told.map(({ top }) => top.length)).toEqual([asked.top, asked.top, asked.top])
  })

  test('refuses a format, and says so', async ({ expect }) => {
    const job = sampleChat('echo-3-0-0', 'hi', { format: { kind: 'json' } })
    await expect(hear(engine, taskOf(job))).rejects.toMatchObject({
      code: 'invalid',
      param: 'response_format',
    })
  })

  test('shows that it lives while it reads, after a takeover too', async ({ expect }) => {
    for (const from of [0, 3]) {
      const startMs = performance.now()
      const { outputs } = await hear(engine, taskOf(sampleChat('echo-4-0-300', 'a b c'), from))
      expect(performance.now() - startMs).toBeGreaterThan(295)
      const kinds = outputs.map(({ kind }) => kind)
      expect(kinds.lastIndexOf('progress')).toBeGreaterThanOrEqual(2)
      expect(kinds.lastIndexOf('progress')).toBeLessThan(kinds.indexOf('tokens'))
    }
  })

  test('keeps its pace, and tells it while it runs', async ({ expect }) => {
    const startMs = performance.now()
    const run = hear(engine, taskOf(sampleChat('echo-20-20-0', 'hi')))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(engine.stepMs()).toBe(20)
    await run
    const tookMs = performance.now() - startMs
    expect(tookMs).toBeGreaterThan(370)
    expect(tookMs).toBeLessThan(800)
    expect(engine.stepMs()).toBe(0)
  })

  test('lets others in while it says tokens without a gap', async ({ expect }) => {
    let turns = 0
    const ticking = setInterval(() => turns++, 0)
    await hear(engine, taskOf(sampleChat('echo-100000-0-0', 'hi')))
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(3)
  })
})
