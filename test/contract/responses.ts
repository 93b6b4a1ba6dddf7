import type OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { newJobId } from '../../proto/ids.ts'
import { ResponseEvent } from '../../proto/openai/response-events.ts'
import { faultsBy } from './openai-schema.ts'
import { oracle } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const SEED = 5
const ask = (model: string, extra: object = {}) => ({ model, input: 'say something', ...extra })
/** Our own field: OpenAI's responses have no seed. */
const seeded = { seed: SEED } as object

type Response = OpenAI.Responses.Response

export function responses(stack: () => Stack): void {
  const post = (body: object, key = stack().admin) =>
    stack().fetch('/v1/responses', { key, json: body })
  const get = (path: string, key = stack().admin) => stack().fetch(`/v1/responses/${path}`, { key })

  describe('a response', () => {
    test('is whole, and can be asked for again', async () => {
      const openai = stack().openai()
      const made = await openai.responses.create(
        ask('echo-40-0-0', { ...seeded, instructions: 'be brief', metadata: { a: 'b' } }),
      )
      expect(faultsBy('Response', bare(made))).toEqual([])
      expect(made).toMatchObject({
        id: expect.stringMatching(/^resp_/),
        object: 'response',
        status: 'completed',
        model: 'echo-40-0-0',
        instructions: 'be brief',
        metadata: { a: 'b' },
        usage: { input_tokens: 4, output_tokens: 40, total_tokens: 44 },
      })
      expect(made.output_text).toBe(oracle(SEED, 40))
      expect(await openai.responses.retrieve(made.id)).toEqual(made)
    })

    test('waits as long as its tier says', async () => {
      const openai = stack().openai()
      const flex = await openai.responses.create(ask('echo-1-0-0', { service_tier: 'flex' }))
      expect(flex.service_tier).toBe('flex')
      expect(await stack().ledger(jobOf(flex.id))).toMatchObject({ priority: 'batch' })
      const plain = await openai.responses.create(ask('echo-1-0-0'))
      expect(plain.service_tier).toBe('default')
      expect(await stack().ledger(jobOf(plain.id))).toMatchObject({ priority: 'default' })
    })

    test('is streamed in events that count from 0, and they are the same whenever they are read', async () => {
      const openai = stack().openai()
      const stream = await openai.responses.create({
        ...ask('echo-20-0-0', seeded),
        stream: true,
      })
      const events = []
      for await (const event of stream) events.push(event)
      expect(events.flatMap((event) => faultsBy('ResponseStreamEvent', event))).toEqual([])
      expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
      expect(events.map(({ type }) => type).filter((type) => !type.endsWith('delta'))).toEqual([
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ])
      const { response } = events.at(-1) as { response: Response }
      expect(textIn(response)).toBe(oracle(SEED, 20))
      for (const after of [-1, 0, 7, events.length - 2, events.length - 1]) {
        const again = await readEvents(
          await get(`${response.id}?stream=true&starting_after=${after}`),
        )
        expect(again).toEqual(events.slice(after + 1))
      }
    })

    test('is numbered alike when its tokens come one by one and together', async () => {
      const slow = await readEvents(await post(ask('echo-6-10-0', { ...seeded, stream: true })))
      const quick = await readEvents(await post(ask('echo-6-0-0', { ...seeded, stream: true })))
      expect(slow.map(({ type }) => type)).toEqual(quick.map(({ type }) => type))
    })

    test('in the background is told at once, goes on by itself, and is read from any event on', async () => {
      const openai = stack().openai()
      const begun = await openai.responses.create({
        ...ask('echo-40-20-0', seeded),
        background: true,
      })
      expect(begun).toMatchObject({ status: 'queued', background: true, output: [] })
      expect(faultsBy('Response', bare(begun))).toEqual([])
      await until(async () => (await openai.responses.retrieve(begun.id)).status === 'in_progress')
      const rest = await readEvents(await get(`${begun.id}?stream=true&starting_after=9`))
      expect(rest[0]?.sequence_number).toBe(10)
      const whole = await readEvents(await get(`${begun.id}?stream=true`))
      expect(whole.map(({ type }) => type).slice(0, 3)).toEqual([
        'response.created',
        'response.queued',
        'response.in_progress',
      ])
      expect(whole.slice(10)).toEqual(rest)
      const over = await openai.responses.retrieve(begun.id)
      expect([over.status, over.output_text]).toEqual(['completed', oracle(SEED, 40)])
    })

    test('can be cancelled while it is made, and keeps what there was of it', async () => {
      const openai = stack().openai()
      const begun = await openai.responses.create({
        ...ask('echo-400-20-0', seeded),
        background: true,
      })
      await until(async () => (await openai.responses.retrieve(begun.id)).status === 'in_progress')
      const cancelled = await openai.responses.cancel(begun.id)
      expect(cancelled).toMatchObject({ id: begun.id, status: 'cancelled', error: null })
      expect(faultsBy('Response', bare(cancelled))).toEqual([])
      await stack().idle()
      expect(await openai.responses.cancel(begun.id)).toMatchObject({ status: 'cancelled' })
      const events = await readEvents(await get(`${begun.id}?stream=true`))
      expect(events.at(-1)).toMatchObject({
        type: 'response.failed',
        response: { status: 'cancelled' },
      })
    })

    test('that fails says why, whole, streamed and in the background, and nothing can follow it', async () => {
      const openai = stack().openai()
      // An echo keeps to no format, which its worker says.
      const wrong = ask('echo-1-0-0', { text: { format: { type: 'json_object' } } })
      expect(await refusal(post(wrong))).toEqual([400, 'text.format'])
      const events = await readEvents(await post({ ...wrong, stream: true }))
      const failed = { status: 'failed', error: { code: 'invalid_prompt' } }
      expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: failed })
      expect(events.flatMap((event) => faultsBy('ResponseStreamEvent', event))).toEqual([])
      const { id } = await openai.responses.create({ ...wrong, background: true } as typeof wrong)
      await until(async () => (await openai.responses.retrieve(id)).status === 'failed')
      expect(await openai.responses.retrieve(id)).toMatchObject(failed)
      const chained = ask('echo-1-0-0', { previous_response_id: id })
      expect(await refusal(post(chained))).toEqual([400, 'previous_response_id'])
    })

    test('that is not over cannot be gone on from, and deleted it leaves nothing', async () => {
      const openai = stack().openai()
      const slow = ask('echo-400-20-0', { background: true })
      const { id } = await openai.responses.create(slow)
      const chained = ask('echo-1-0-0', { previous_response_id: id })
      expect(await refusal(post(chained))).toEqual([400, 'previous_response_id'])
      await openai.responses.delete(id)
      expect(await stack().ledger(jobOf(id))).toMatchObject({ outcome: 'cancelled' })
      expect(await stack().stored('RESPONSES', `response.${jobOf(id)}.>`)).toBe(0)
      expect(await refusal(get(id))).toEqual([404, 'response_id'])
    })

    test('ends with its reader, where nobody said that it should go on', async () => {
      const abort = new AbortController()
      const begun = await stack().fetch('/v1/responses', {
        key: stack().admin,
        json: ask('echo-400-20-0', { stream: true }),
        signal: abort.signal,
      })
      const id = String(begun.headers.get('x-generation-id'))
      abort.abort()
      await until(async () => (await stack().ledger(id))?.type === 'final')
      expect(await stack().ledger(id)).toMatchObject({ outcome: 'cancelled' })
    })

    test('stops at max_output_tokens and says so', async () => {
      const short = await (
        await post(ask('echo-40-0-0', { ...seeded, max_output_tokens: 3 }))
      ).json()
      expect(faultsBy('Response', short)).toEqual([])
      expect(short).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ status: 'incomplete', content: [{ text: oracle(SEED, 3) }] }],
      })
    })

    test('goes on with the whole conversation before it', async () => {
      const openai = stack().openai()
      const first = await openai.responses.create(ask('echo-3-0-0', { input: 'one two' }))
      const second = await openai.responses.create(
        ask('echo-3-0-0', { input: 'three', previous_response_id: first.id }),
      )
      expect(second.previous_response_id).toBe(first.id)
      // Two words, three of the first answer, one.
      expect(second.usage?.input_tokens).toBe(6)
      const third = await openai.responses.create(
        ask('echo-3-0-0', {
          previous_response_id: second.id,
          input: [
            { type: 'item_reference', id: first.output[0]?.id },
            { role: 'user', content: [{ type: 'input_text', text: 'four' }] },
          ],
        }),
      )
      expect(third.usage?.input_tokens).toBe(6 + 3 + 3 + 1)
      await openai.responses.delete(first.id)
      const orphan = ask('echo-3-0-0', { previous_response_id: second.id })
      expect(await refusal(post(orphan))).toEqual([400, 'previous_response_id'])
    })

    test('calls functions, thinks, and goes on with what they gave', async () => {
      const openai = stack().openai()
      const tools = ['weather', 'time'].map((name) => ({
        type: 'function' as const,
        name,
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
        strict: false,
      }))
      const said = `<think>where?</think>I look.${callTo('weather', { city: 'Hue' })}${callTo('time', {})}`
      const body = { model: 'echo-say-0', input: said, tools }
      const stream = await openai.responses.create({ ...body, stream: true })
      const events = []
      for await (const event of stream) events.push(event)
      expect(events.flatMap((event) => faultsBy('ResponseStreamEvent', event))).toEqual([])
      const kinds = events.map(({ type }) => type).filter((type) => type.endsWith('.done'))
      expect(kinds).toEqual([
        'response.reasoning_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.function_call_arguments.done',
        'response.output_item.done',
        'response.function_call_arguments.done',
        'response.output_item.done',
      ])
      const { response } = events.at(-1) as { response: Response }
      expect(response.output).toMatchObject([
        { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'where?' }] },
        { type: 'message', content: [{ type: 'output_text', text: 'I look.' }] },
        { type: 'function_call', name: 'weather', status: 'completed' },
        { type: 'function_call', name: 'time', arguments: '{}' },
      ])
      const [, , weather, time] = response.output as { call_id: string; arguments: string }[]
      expect(JSON.parse(String(weather?.arguments))).toEqual({ city: 'Hue' })
      const after = await get(`${response.id}?stream=true&starting_after=5`)
      expect(await readEvents(after)).toEqual(events.slice(6))
      const next = await openai.responses.create({
        ...body,
        previous_response_id: response.id,
        input: [
          { type: 'function_call_output', call_id: String(weather?.call_id), output: 'rain' },
          { type: 'function_call_output', call_id: String(time?.call_id), output: 'noon' },
          { role: 'user', content: 'thanks' },
        ],
      })
      expect(next.output_text).toBe('thanks')
    })

    test('tells what it was given, page by page', async () => {
      const openai = stack().openai()
      const input = ['a', 'b', 'c'].map((content) => ({ role: 'user' as const, content }))
      const { id } = await openai.responses.create(ask('echo-1-0-0', { input }))
      const page = await openai.responses.inputItems.list(id, { limit: 2, order: 'asc' })
      expect(page.data.map((item) => faultsBy('ItemResource', item))).toEqual([[], []])
      const all = []
      for await (const item of page) all.push(item)
      expect(all).toMatchObject(
        input.map(({ content }) => ({ content: [{ type: 'input_text', text: content }] })),
      )
      const [last] = (await openai.responses.inputItems.list(id, { limit: 1 })).data
      expect(last).toEqual(all[2])
      expect(await refusal(get(`${id}/input_items?after=nobody`))).toEqual([400, 'after'])
      expect(await refusal(get(`${id}/input_items?limit=0`))).toEqual([400, 'limit'])
    })

    test('that is deleted, or was never to be stored, is not there', async () => {
      const openai = stack().openai()
      const { id } = await openai.responses.create(ask('echo-1-0-0'))
      await openai.responses.delete(id)
      const unkept = await openai.responses.create(ask('echo-1-0-0', { store: false }))
      expect(unkept).toMatchObject({ store: false })
      for (const gone of [id, unkept.id]) {
        expect(await refusal(get(gone))).toEqual([404, 'response_id'])
        const chained = ask('echo-1-0-0', { previous_response_id: gone })
        expect(await refusal(post(chained))).toEqual([400, 'previous_response_id'])
      }
      expect(await stack().stored('RESPONSES', `response.${jobOf(unkept.id)}.>`)).toBe(0)
      expect(await stack().stored('ANSWERS', `answer.${jobOf(unkept.id)}`)).toBe(0)
    })

    test('is its project’s and nobody else’s', async () => {
      const { id } = await stack().openai().responses.create(ask('echo-1-0-0'))
      const secret = stack().stranger
      const method = { key: secret, method: 'DELETE' }
      expect(await refusal(get(id, secret))).toEqual([404, 'response_id'])
      expect(await refusal(get(`${id}?stream=true`, secret))).toEqual([404, 'response_id'])
      expect(await refusal(get(`${id}/input_items`, secret))).toEqual([404, 'response_id'])
      expect(await refusal(stack().fetch(`/v1/responses/${id}`, method))).toEqual([
        404,
        'response_id',
      ])
      const cancel = stack().fetch(`/v1/responses/${id}/cancel`, { key: secret, method: 'POST' })
      expect(await refusal(cancel)).toEqual([404, 'response_id'])
      const chained = ask('echo-1-0-0', { previous_response_id: id })
      expect(await refusal(post(chained, secret))).toEqual([400, 'previous_response_id'])
      expect((await get(id)).status).toBe(200)
    })

    test('asked for twice with one idempotency key is one response', async () => {
      const headers = { 'idempotency-key': newJobId() }
      const json = ask('echo-5-0-0')
      const key = stack().admin
      const [one, two] = await Promise.all(
        [1, 2].map(async () =>
          (await stack().fetch('/v1/responses', { key, json, headers })).json(),
        ),
      )
      expect(one).toEqual(two)
    })

    test.for<[object, string]>([
      [{ input: undefined }, 'input'],
      [{ input: 5 }, 'input'],
      [{ input: [] }, 'input'],
      [{ input: [{ type: 'web_search_call', id: 'x' }] }, 'input[0].type'],
      [{ input: [{ role: 'robot', content: 'x' }] }, 'input[0].role'],
      [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content'],
      [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].id'],
      [{ input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }, 'input'],
      [{ model: '' }, 'model'],
      [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
      [{ tools: [{ type: 'function', name: 'f' }] }, 'tools'],
      [{ tool_choice: 'perhaps' }, 'tool_choice'],
      [{ tools: ['f', 'f'].map((name) => ({ type: 'function', name })) }, 'tools[1].name'],
      [{ tools: [{ type: 'function', name: 'f', parameters: [] }] }, 'tools[0].parameters'],
      [{ tool_choice: 'required' }, 'tool_choice'],
      [{ tool_choice: { type: 'function', name: 'f' } }, 'tool_choice'],
      [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
      [{ text: { format: { type: 'json_schema', name: 'x' } } }, 'text.format.schema'],
      [{ temperature: 3 }, 'temperature'],
      [{ max_output_tokens: 0 }, 'max_output_tokens'],
      [{ top_logprobs: 3 }, 'top_logprobs'],
      [{ background: true, store: false }, 'background'],
      [{ metadata: { a: 1 } }, 'metadata.a'],
      [{ user: 'a\ud800' }, 'user'],
      [{ user: 'a'.repeat(257) }, 'user'],
      [{ conversation: 'conv_1' }, 'conversation'],
      [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
      [{ include: ['everything'] }, 'include[0]'],
    ])('asked for with %j is refused by name', async ([wrong, param]) => {
      expect(await refusal(post(ask('echo-1-0-0', wrong)))).toEqual([400, param])
    })

    test('asked for without a word is refused', async () => {
      const empty = { key: stack().admin, method: 'POST' }
      const answer = await stack().fetch('/v1/responses', empty)
      expect([400, 415]).toContain(answer.status)
      expect(faultsBy('ErrorResponse', await answer.json())).toEqual([])
    })

    test('cannot be read from beyond its end', async () => {
      const { id } = await stack().openai().responses.create(ask('echo-1-0-0'))
      const [event] = await readEvents(await get(`${id}?stream=true&starting_after=999`))
      expect(event).toMatchObject({ type: 'error', param: 'starting_after' })
      expect(await refusal(get(`${id}?stream=true&starting_after=x`))).toEqual([
        400,
        'starting_after',
      ])
    })
  })
}

/** As it came over the wire: the SDK puts a field of its own beside. */
const bare = (response: Response): object => ({ ...response, output_text: null })

const textIn = ({ output }: Response): string =>
  output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('')

const jobOf = (id: string): string => id.replace('resp_', 'job_')

/** As a model of the dialect of echo-say writes it. */
const callTo = (name: string, args: object): string =>
  `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`

/** Read as strictly as can be: each event is two lines, named as its data says, and there is no `[DONE]`. */
async function readEvents(response: globalThis.Response): Promise<ResponseEvent[]> {
  const blocks = (await response.text()).replaceAll(/^:\n/gm, '').split('\n\n')
  if (blocks.pop() !== '') throw new Error('the stream does not end after a blank line')
  return blocks.map((block) => {
    const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? []
    const event = ResponseEvent.parse(JSON.parse(data ?? 'null'))
    if (event.type !== name) throw new Error(`${event.type} is called ${name}`)
    return event
  })
}

/** Status and field of a refusal. */
async function refusal(asked: Promise<globalThis.Response>): Promise<[number, string | null]> {
  const answer = await asked
  const body = (await answer.json()) as { error: { param: string | null } }
  expect(faultsBy('ErrorResponse', body)).toEqual([])
  return [answer.status, body.error.param]
}
