import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { describe, test as base } from 'vitest'
import type { Calling, CallSyntax } from '../../../proto/calling.ts'
import type { ChatJob, Sampling } from '../../../proto/job.ts'
import { engineContract, hear } from '../engine.contract.ts'
import { callsOf } from './grammar/calls.ts'
import { gbnfWith } from './grammar/gbnf.ts'
import { ask, juneChat, taskOf } from './june-chat.fixture.ts'
import { llamaEngine } from './llama-engine.ts'

const send = {
  name: 'send',
  description: 'Sends a job to a worker.',
  parameters: JSON.stringify({
    type: 'object',
    properties: {
      worker: { type: 'integer', minimum: 1, maximum: 99 },
      queue: { enum: ['fast', 'slow'] },
      retry: { $ref: '#/$defs/retry' },
    },
    required: ['worker', 'queue', 'retry'],
    additionalProperties: false,
    $defs: { retry: { type: 'boolean' } },
  }),
  strict: true,
}
const stop = { name: 'stop', description: null, parameters: null, strict: false }

const required: Calling = { tools: [send, stop], choice: 'required', parallel: true }
const one: Calling = { ...required, only: 'send', parallel: false }

const calling = (its: Calling, sampling: Partial<Sampling> = {}): ChatJob => ({
  ...ask('Send it.', { maxTokens: 400, ...sampling }),
  calling: its,
})

engineContract(
  'llama, held to a call,',
  () => llamaEngine(juneChat),
  (_, prefix) => taskOf(calling({ ...one, only: 'stop' }, { temperature: 1.5, seed: 3 }), prefix),
)

const test = base
  .extend('engine', { scope: 'file' }, async ({}, { onCleanup }) => {
    const engine = await llamaEngine(juneChat)
    onCleanup(() => engine[Symbol.asyncDispose]())
    return engine
  })
  .extend('testerOf', { scope: 'file' }, async ({}, { onCleanup }) => {
    const llama = await getLlama({
      build: 'never',
      skipDownload: true,
      gpu: false,
      logLevel: LlamaLogLevel.disabled,
      maxThreads: 0,
    })
    onCleanup(() => llama.dispose())
    return async (its: Calling, syntax: CallSyntax) => {
      const grammar = gbnfWith((write) => callsOf(its, syntax, write))
      const made = await llama.createGrammar({ grammar })
      const fits = Reflect.get(made, '_testText') as (text: string) => boolean
      return (text: string): boolean => fits.call(made, text)
    }
  })

const promptTokens = (output: unknown): number => (output as { promptTokens: number }).promptTokens

const CALL =
  /^<tool_call>\n\{"name": "send", "arguments": \{"worker": ?[1-9]\d?, ?"queue": ?"(?:fast|slow)", ?"retry": ?(?:true|false)\}\}\n(?:<\/tool_call>)?$/

describe('an answer that must call', () => {
  test.for([{ temperature: 0 }, { temperature: 1 }, { temperature: 2, seed: 7 }])(
    'calls the function that is named, with arguments of its schema, with %j',
    async (sampling, { engine, expect }) => {
      const { texts, outputs } = await hear(engine, taskOf(calling(one, sampling)))
      expect(texts.join('')).toMatch(CALL)
      expect(outputs.at(-1)).toMatchObject({ kind: 'end', finish: 'stop' })
      expect(outputs.at(-1)).not.toHaveProperty('stop')
    },
  )

  test('goes on exactly, at every token, in the middle of its calls', async ({
    engine,
    expect,
  }) => {
    const job = calling(required, { temperature: 1.3, seed: 11, maxTokens: 160 })
    const whole = await hear(engine, taskOf(job))
    expect(whole.texts.join('')).toMatch(/^<tool_call>\n\{"name": "(?:send|stop)"/)
    for (let cut = 0; cut <= whole.ids.length; cut += 3) {
      const rest = await hear(engine, taskOf(job, whole.ids.slice(0, cut)))
      expect(rest.said).toEqual(whole.said.slice(cut))
    }
  })

  test('has the functions in its prompt, and what was called', async ({ engine, expect }) => {
    const count = async (job: ChatJob) => {
      const sampling = { ...job.sampling, maxTokens: 0 }
      return (await hear(engine, taskOf({ ...job, sampling }))).outputs.at(-1)
    }
    const bare = promptTokens(await count(ask('Send it.')))
    const told = promptTokens(await count(calling(required)))
    expect(told).toBeGreaterThan(bare + 50)
    const calls = [{ id: 'a', name: 'send', arguments: '{"worker":1}' }]
    const gone = calling(required)
    const messages = [
      ...gone.messages,
      { role: 'assistant' as const, text: '', calls },
      { role: 'tool' as const, text: 'sent', answers: 'a' },
    ]
    expect(promptTokens(await count({ ...gone, messages }))).toBeGreaterThan(told + 10)
  })

  const args = '{"worker": 7, "queue": "fast", "retry": true}'
  test.for<[CallSyntax, string, boolean]>([
    ['hermes', `<tool_call>\n{"name": "send", "arguments": ${args}}\n</tool_call>`, true],
    ['hermes', `<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>`, true],
    [
      'hermes',
      `<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "stop", "arguments": {}}\n</tool_call>`,
      true,
    ],
    ['hermes', `<tool_call>\n{"name": "stop", "arguments": ${args}}\n</tool_call>`, false],
    ['hermes', 'I would rather not.', false],
    ['llama3', `{"name": "send", "parameters": ${args}}`, true],
    ['llama3', `{"name": "send", "arguments": ${args}}`, false],
    ['mistral', `[{"name": "send", "arguments": ${args}}]`, true],
    [
      'mistral',
      `[{"name": "stop", "arguments": {}}, {"name": "send", "arguments": ${args}}]`,
      true,
    ],
    ['mistral', `{"name": "stop", "arguments": {}}`, false],
  ])('in the syntax of %s may be %s: %s', async ([syntax, text, fits], { testerOf, expect }) => {
    expect((await testerOf(required, syntax))(text)).toBe(fits)
  })

  test('may be of a format instead, where it may choose', async ({ engine, expect }) => {
    const format = { kind: 'schema', schema: '{"enum":["yes","no"]}' } as const
    const job = calling({ ...required, choice: 'auto' }, { format })
    expect((await hear(engine, taskOf(job))).texts.join('')).toMatch(/^"yes"$|^"no"$|^<tool_call>/)
  })
})

const first = async (engine: Parameters<typeof hear>[0], sampling: Partial<Sampling>) =>
  (await hear(engine, taskOf(ask('What is NATS?', { maxTokens: 12, ...sampling })))).ids

describe('a bias', () => {
  test.for([{ temperature: 0 }, { temperature: 1, seed: 2 }])(
    'bans a token and forces another, with %j',
    async (sampling, { engine, expect }) => {
      const free = await first(engine, sampling)
      const [banned = -1] = free
      const without = await first(engine, { ...sampling, logitBias: [[banned, -100]] })
      expect(without).not.toContain(banned)
      const forced = await first(engine, { ...sampling, logitBias: [[500, 100]] })
      expect(new Set(forced)).toEqual(new Set([500]))
      // Its slot is left to others as it was.
      expect(await first(engine, sampling)).toEqual(free)
    },
  )

  test('is kept by a takeover, and does not free what a format bars', async ({
    engine,
    expect,
  }) => {
    const logitBias: [number, number][] = [
      [500, 100],
      [501, 3],
    ]
    const job = calling(one, { logitBias, temperature: 1, seed: 4 })
    const whole = await hear(engine, taskOf(job))
    expect(whole.texts.join('')).toMatch(CALL)
    const rest = await hear(engine, taskOf(job, whole.ids.slice(0, 9)))
    expect(rest.ids).toEqual(whole.ids.slice(9))
  })

  test('of a token that is not there is refused', async ({ engine, expect }) => {
    await expect(first(engine, { logitBias: [[1024, 1]] })).rejects.toMatchObject({
      code: 'invalid',
      param: 'logit_bias',
    })
  })
})
