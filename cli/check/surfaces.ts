import { z } from 'zod'
import { expectTo, jsonOf, type Check } from './probe.ts'

const Choice = z.object({
  index: z.int(),
  message: z.looseObject({
    content: z.string().nullish(),
    tool_calls: z
      .array(
        z.object({
          id: z.string().min(1),
          type: z.literal('function'),
          function: z.object({ name: z.string(), arguments: z.string() }),
        }),
      )
      .nullish(),
  }),
  finish_reason: z.string(),
})
const Chat = z.object({ choices: z.array(Choice) })
const Completion = z.object({
  object: z.literal('text_completion'),
  choices: z.array(z.object({ text: z.string(), finish_reason: z.string() })).min(1),
})
const Response = z.object({
  id: z.string().startsWith('resp_'),
  object: z.literal('response'),
  status: z.string(),
  output: z.array(z.looseObject({ type: z.string() })),
})
const Message = z.object({
  type: z.literal('message'),
  role: z.literal('assistant'),
  content: z.array(z.looseObject({ type: z.string() })).min(1),
  stop_reason: z.string(),
})

const SCHEMA = {
  type: 'object',
  properties: { city: { enum: ['Bern', 'Oslo'] } },
  required: ['city'],
  additionalProperties: false,
} as const
const City = z.strictObject({ city: z.enum(['Bern', 'Oslo']) })

/** What there is beside a chat of one choice. */
export const surfaces: readonly Check[] = [
  {
    id: 'choices',
    title: 'n gives as many choices, each with its own index',
    run: async (probe) => {
      const { choices } = await probe.fine(Chat, probe.chat({ n: 2 }))
      expectTo(choices.map(({ index }) => index).join() === '0,1', JSON.stringify(choices))
    },
  },
  {
    id: 'json-schema',
    title: 'an answer held to a JSON schema is of it',
    run: async (probe) => {
      const format = {
        type: 'json_schema',
        json_schema: { name: 'city', schema: SCHEMA, strict: true },
      }
      const asked = probe.chat({ response_format: format, max_tokens: 100 })
      const { choices } = await probe.fine(Chat, asked)
      const content = choices[0]?.message.content ?? ''
      expectTo(City.safeParse(jsonOf(content)).success, content)
    },
  },
  {
    id: 'tools',
    title: 'a function that must be called is, with arguments of its schema',
    run: async (probe) => {
      const asked = probe.chat({
        max_tokens: 200,
        tools: [{ type: 'function', function: { name: 'weather', parameters: SCHEMA } }],
        tool_choice: { type: 'function', function: { name: 'weather' } },
      })
      const { choices } = await probe.fine(Chat, asked)
      const call = choices[0]?.message.tool_calls?.[0]
      expectTo(call?.function.name === 'weather', JSON.stringify(choices))
      expectTo(City.safeParse(jsonOf(call.function.arguments)).success, call.function.arguments)
    },
  },
  {
    id: 'completions',
    title: 'a plain text is gone on with',
    run: async (probe) => {
      const json = { model: probe.model, prompt: 'Hello', max_tokens: 4 }
      await probe.fine(Completion, probe.fetch('/v1/completions', { json }))
    },
  },
  {
    id: 'responses',
    title: 'a response is made, can be asked for again, and gone on from',
    run: async (probe) => {
      const make = (more: object) =>
        probe.fine(
          Response,
          probe.fetch('/v1/responses', {
            json: { model: probe.model, input: 'Hello!', max_output_tokens: 16, ...more },
          }),
        )
      const { id } = await make({})
      await probe.fine(Response, probe.fetch(`/v1/responses/${id}`))
      await make({ previous_response_id: id })
    },
  },
  {
    id: 'responses-events',
    title: 'the events of a response are numbered from 0 without a gap, and say their type twice',
    run: async (probe) => {
      const json = { model: probe.model, input: 'Hello!', max_output_tokens: 16, stream: true }
      const response = await probe.fetch('/v1/responses', { json })
      const text = (await response.text()).replaceAll(/^:\n/gm, '')
      const events = Array.from(
        text.matchAll(/^event: (\S+)\ndata: (.*)$/gm),
        ([, type, data = '']) => ({
          type,
          data: jsonOf(data) as { type?: string; sequence_number?: number },
        }),
      )
      expectTo(events.length > 4, text.slice(0, 300))
      expectTo(
        events.every(({ type, data }, i) => data.type === type && data.sequence_number === i),
        text.slice(0, 500),
      )
    },
  },
  {
    id: 'messages',
    title: 'Anthropic’s format is spoken, too',
    run: async (probe) => {
      await probe.fine(Message, probe.fetch('/v1/messages', { json: probe.hello() }))
    },
  },
  {
    id: 'idempotency',
    title: 'a request sent twice with one Idempotency-Key is answered once',
    run: async (probe) => {
      const headers = { 'idempotency-key': crypto.randomUUID() }
      const ask = async () => {
        const json = probe.hello()
        const answer = await probe.fetch('/v1/chat/completions', { json, headers })
        return (await answer.json()) as { id?: string }
      }
      const [a, b] = [await ask(), await ask()]
      expectTo(a.id !== undefined && a.id === b.id, `${a.id} and ${b.id}`)
    },
  },
]
