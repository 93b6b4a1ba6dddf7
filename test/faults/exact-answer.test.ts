import { describe } from 'vitest'
import type OpenAI from 'openai'
import { JobId } from '../../proto/ids.ts'
import type { StackFixture } from '../../infra/testing/start-stack.ts'
import { bothWorkers, holderOf, kill, recordOf, test } from './stack.ts'

type Params = Partial<OpenAI.ChatCompletionCreateParamsStreaming>

interface Told {
  text: string
  logprobs: OpenAI.ChatCompletionTokenLogprob[]
  finish: string | null
  /** All that was told of calls. */
  calls: string
  /** Pieces of arguments. */
  pieces: number
}

/** A streamed answer. At the event that brings token `killAt`, the worker that makes it is killed. */
async function hear(
  { stack, openai }: { stack: StackFixture; openai: OpenAI },
  more: Params,
  killAt = Infinity,
): Promise<Told & { job: JobId; killed: boolean }> {
  const { data, response } = await openai.chat.completions
    .create({
      model: 'june-chat',
      stream: true,
      messages: [{ role: 'user', content: 'How does a request travel through June step by step?' }],
      ...more,
    })
    .withResponse()
  const job = JobId.parse(response.headers.get('x-generation-id'))
  const told: Told = { text: '', logprobs: [], finish: null, calls: '', pieces: 0 }
  let struck: Promise<void> | undefined
  for await (const { choices } of data) {
    const [choice] = choices
    told.text += choice?.delta.content ?? ''
    told.logprobs.push(...(choice?.logprobs?.content ?? []))
    told.finish = choice?.finish_reason ?? told.finish
    for (const { id, function: its } of choice?.delta.tool_calls ?? []) {
      told.calls += `${id === undefined ? '' : 'call '}${its?.name ?? ''}${its?.arguments ?? ''}`
      told.pieces++
    }
    if (told.logprobs.length + told.pieces >= killAt)
      struck ??= holderOf(stack, job).then(({ pid }) => kill(pid))
  }
  await struck
  return { ...told, job, killed: struck !== undefined }
}

const schema = {
  type: 'object',
  properties: {
    from: { type: 'string', minLength: 20, maxLength: 30 },
    steps: {
      type: 'array',
      items: { enum: ['gateway', 'broker', 'worker'] },
      minItems: 8,
      maxItems: 12,
    },
    count: { type: 'integer', minimum: 0, maximum: 99 },
  },
  required: ['from', 'steps', 'count'],
  additionalProperties: false,
}
const format = { type: 'json_schema', json_schema: { name: 'path', schema } } as const

describe('kill -9 of a worker in the middle of an answer', () => {
  test.for<{ title: string; more: Params; killAt: number }>([
    {
      title: 'log probabilities',
      more: { temperature: 0.9, seed: 3, top_logprobs: 5 },
      killAt: 12,
    },
    { title: 'schema', more: { temperature: 1, seed: 4, response_format: format }, killAt: 12 },
    { title: 'stop string', more: { temperature: 0, stop: ['worker'] }, killAt: 8 },
  ])(
    'leaves its $title as they would have been',
    async ({ more, killAt }, { stack, openai, expect }) => {
      const asked = { logprobs: true, ...more }
      await bothWorkers(stack)
      const undisturbed = await hear({ stack, openai }, asked)
      const { job, killed, ...told } = await hear({ stack, openai }, asked, killAt)
      expect(killed).toBe(true)
      expect({ ...told, job: undisturbed.job, killed: false }).toEqual(undisturbed)
      expect((await recordOf(stack, job))?.spans.length).toBeGreaterThan(1)
      expect(told.logprobs.length).toBeGreaterThan(killAt)
    },
  )

  test('leaves a call of a function as it would have been', async ({ stack, openai, expect }) => {
    const asked: Params = {
      temperature: 1,
      seed: 5,
      tools: [{ type: 'function', function: { name: 'walk', parameters: schema, strict: true } }],
      tool_choice: { type: 'function', function: { name: 'walk' } },
    }
    await bothWorkers(stack)
    const undisturbed = await hear({ stack, openai }, asked)
    const { job, killed, calls, finish } = await hear({ stack, openai }, asked, 12)
    expect(killed).toBe(true)
    expect({ calls, finish }).toEqual({ calls: undisturbed.calls, finish: 'tool_calls' })
    expect(JSON.parse(calls.replace('call walk', ''))).toMatchObject({ count: expect.any(Number) })
    expect((await recordOf(stack, job))?.spans.length).toBeGreaterThan(1)
  })

  test('is the same answer whole', async ({ stack, openai, expect }) => {
    const asked = { logprobs: true, temperature: 1, seed: 4, response_format: format }
    const streamed = await hear({ stack, openai }, asked)
    const { choices } = await openai.chat.completions.create({
      model: 'june-chat',
      messages: [{ role: 'user', content: 'How does a request travel through June step by step?' }],
      ...asked,
    })
    expect(choices[0]?.message.content).toBe(streamed.text)
    expect(choices[0]?.logprobs?.content).toEqual(streamed.logprobs)
    expect(JSON.parse(streamed.text)).toMatchObject({ count: expect.any(Number) })
  })
})
