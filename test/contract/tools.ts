import { describe, expect, test } from 'vitest'
import { faultsBy } from './openai-schema.ts'
import { oracle } from './oracle.ts'
import { readSse } from './sse.ts'
import type { Stack } from './stack.ts'

const MODEL = 'echo-say-0'
const add = {
  type: 'function',
  function: { name: 'add', parameters: { type: 'object', properties: { a: { type: 'integer' } } } },
} as const
const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 12, "b": "\\"}é"}}\n</tool_call>'
const ARGUMENTS = '{"a": 12, "b": "\\"}é"}'
const SAID = `<think>Two of them.</think>Let me see. ${CALL}\n${CALL}`

const asking = (content: string) => ({
  model: MODEL,
  messages: [{ role: 'user' as const, content }],
  tools: [add],
})

type Chunks = ReturnType<typeof readSse>['chunks']
type Choices = Chunks[number]['choices']

const callDeltas = (chunks: Chunks) =>
  chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
const textOf = (choices: Choices) => choices.map(({ delta }) => delta.content ?? '').join('')
const logprobsOf = (choices: Choices) => choices.flatMap(({ logprobs }) => logprobs?.content ?? [])
/** The position that an event leads to. */
const positionOf = (event: string | undefined): string | undefined =>
  /^id: job_[^:]*:(\d+)$/m.exec(event ?? '')?.[1]

interface Read {
  content: string
  reasoning: string
  calls: { id: string; name: string; arguments: string }[]
}

/** What a client puts together of chunks. */
function putTogether(chunks: Chunks): Read {
  const read: Read = { content: '', reasoning: '', calls: [] }
  for (const { choices } of chunks)
    for (const { delta } of choices) {
      read.content += delta.content ?? ''
      read.reasoning += delta.reasoning_content ?? ''
      for (const { index, id = '', function: its } of delta.tool_calls ?? []) {
        read.calls[index] ??= { id, name: its.name ?? '', arguments: '' }
        read.calls[index].arguments += its.arguments ?? ''
      }
    }
  return read
}

const whole: Read = {
  content: 'Let me see. ',
  reasoning: 'Two of them.',
  calls: ['00', '01'].map((last) => ({
    id: expect.stringMatching(new RegExp(`^call_[0-9a-f]{20}${last}$`)),
    name: 'add',
    arguments: ARGUMENTS,
  })),
}

export function tools(stack: () => Stack): void {
  const post = (json: object, headers: Record<string, string> = {}) =>
    stack().fetch('/v1/chat/completions', { key: stack().admin, json, headers })
  const streamed = async (json: object, headers = {}) =>
    readSse(
      (await (await post({ ...json, stream: true }, headers)).text()).replaceAll(/^id: .*\n/gm, ''),
    )

  describe('a chat that may call functions', () => {
    test("tells its calls whole, as OpenAI's description has them", async () => {
      const completion = await stack().openai().chat.completions.create(asking(SAID))
      expect(faultsBy('CreateChatCompletionResponse', completion)).toEqual([])
      expect(completion).toMatchObject({
        choices: [
          {
            finish_reason: 'tool_calls',
            message: {
              content: 'Let me see. ',
              reasoning_content: 'Two of them.',
              refusal: null,
              annotations: [],
              tool_calls: whole.calls.map(({ id, ...its }) => ({
                id,
                type: 'function',
                function: its,
              })),
            },
          },
        ],
        usage: { completion_tokens_details: { reasoning_tokens: 7 } },
        system_fingerprint: 'fp_echo',
      })
      const alone = await stack().openai().chat.completions.create(asking(CALL))
      expect(alone.choices[0]?.message.content).toBeNull()
    })

    test('tells them as they come, the name of each once', async () => {
      const { chunks, done } = await streamed(asking(SAID))
      expect(
        chunks.flatMap((chunk) => faultsBy('CreateChatCompletionStreamResponse', chunk)),
      ).toEqual([])
      expect(done).toBe(true)
      expect(putTogether(chunks)).toEqual(whole)
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
      const deltas = callDeltas(chunks)
      expect(deltas.length).toBeGreaterThan(3)
      expect(deltas.filter(({ id }) => id !== undefined)).toHaveLength(2)
      expect(deltas.filter(({ function: { name } }) => name !== undefined)).toHaveLength(2)
    })

    test("is carried through by the SDK's own helper, calls and results and all", async () => {
      const called: unknown[] = []
      const runner = stack()
        .openai()
        .chat.completions.runTools({
          ...asking(CALL),
          stream: true,
          tools: [
            {
              type: 'function',
              function: {
                name: 'add',
                description: 'Adds.',
                parameters: add.function.parameters,
                parse: (text: string): object => JSON.parse(text) as object,
                function: (its: object) => {
                  called.push(its)
                  return 'the sum'
                },
              },
            },
          ],
        })
      // It says the last message again, and that is the result.
      expect(await runner.finalContent()).toBe('the sum')
      expect(called).toEqual([JSON.parse(ARGUMENTS)])
    })

    test('says what is no call as the text it is', async () => {
      const text = 'So: <tool_call>{"name": "rm", "arguments": {}}</tool_call> <tool_c'
      const { chunks } = await streamed(asking(text))
      expect(putTogether(chunks)).toEqual({ content: text, reasoning: '', calls: [] })
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
      const none = await streamed({ ...asking(CALL), tool_choice: 'none' })
      expect(putTogether(none.chunks).content).toBe(CALL)
    })

    test('makes one call at most where several are not wanted', async () => {
      const { chunks } = await streamed({ ...asking(SAID), parallel_tool_calls: false })
      expect(putTogether(chunks).calls).toHaveLength(1)
    })

    test('is gone on with at any position, the same calls under the same ids', async () => {
      const response = await post({ ...asking(SAID), stream: true }, { 'x-stream-resume': '1' })
      const id = String(response.headers.get('x-generation-id'))
      const events = (await response.text()).split('\n\n').filter((event) => event.includes('id: '))
      const first = chunksOf(events)
      expect(putTogether(first)).toEqual(whole)
      for (const cut of [1, 4, 9, events.length - 1]) {
        const after = positionOf(events[cut - 1])
        const rest = await stack().fetch(`/v1/streams/${id}?after=${after}`, { key: stack().admin })
        const others = (await rest.text()).split('\n\n').filter((event) => event.includes('id: '))
        expect(putTogether([...first.slice(0, cut), ...chunksOf(others)])).toEqual(
          putTogether(first),
        )
      }
    })

    test('is refused for a model that cannot', async () => {
      const refused = await post({ ...asking('hi'), model: 'echo-1-0-0' })
      expect([refused.status, await refused.json()]).toMatchObject([
        400,
        { error: { param: 'tools' } },
      ])
      const held = await post({ ...asking('hi'), tool_choice: 'required' })
      expect([held.status, await held.json()]).toMatchObject([
        400,
        { error: { param: 'tool_choice' } },
      ])
    })
  })

  describe('several choices', () => {
    const several = { ...asking('hi'), tools: [], model: 'echo-20-0-0', seed: 5, n: 3 }

    test('are answers of their own, with one prompt', async () => {
      const completion = await stack().openai().chat.completions.create(several)
      expect(faultsBy('CreateChatCompletionResponse', completion)).toEqual([])
      const told = completion.choices.map(({ index, message }) => [index, message.content])
      expect(told).toEqual([0, 1, 2].map((i) => [i, oracle(5 + i, 20)]))
      expect(completion.usage).toMatchObject({
        prompt_tokens: 1,
        completion_tokens: 60,
        total_tokens: 61,
      })
    })

    test('are streamed in one stream, with how likely each token was', async () => {
      const asked = {
        logprobs: true,
        stream_options: { include_usage: true },
        service_tier: 'flex',
      }
      const { chunks, done } = await streamed({ ...several, ...asked })
      expect(done).toBe(true)
      expect(
        chunks.flatMap((chunk) => faultsBy('CreateChatCompletionStreamResponse', chunk)),
      ).toEqual([])
      const of = (i: number) =>
        chunks.flatMap(({ choices }) => choices).filter(({ index }) => index === i)
      const texts = [0, 1, 2].map((i) => textOf(of(i)))
      expect(texts).toEqual([0, 1, 2].map((i) => oracle(5 + i, 20)))
      expect(logprobsOf(of(1))).toHaveLength(20)
      expect(of(2).at(-1)?.finish_reason).toBe('stop')
      expect(chunks.at(-1)).toMatchObject({
        usage: { completion_tokens: 60 },
        service_tier: 'flex',
      })
    })

    test('cannot be resumed, and are all ended by who hangs up', async () => {
      const refused = await post({ ...several, stream: true }, { 'x-stream-resume': '1' })
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'n' } }])
      const slow = { ...several, model: 'echo-1000-20-0', stream: true }
      const reader = (await post(slow)).body?.getReader()
      await reader?.read()
      await reader?.cancel()
      await stack().idle()
    })

    test('are asked once, all of them, under one idempotency key', async () => {
      const key = { 'idempotency-key': crypto.randomUUID() }
      const first = await (await post({ ...several, seed: undefined }, key)).text()
      const again = await post({ ...several, seed: undefined }, key)
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      expect(await again.text()).toBe(first)
    })
  })
}

const chunksOf = (events: readonly string[]): Chunks =>
  readSse(events.map((event) => `${event.replaceAll(/^(?:id: .*|:)\n/gm, '')}\n\n`).join('')).chunks
