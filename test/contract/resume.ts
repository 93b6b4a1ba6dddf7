import { describe, expect, test } from 'vitest'
import { newJobId } from '../../proto/ids.ts'
import { hello, oracle } from './oracle.ts'
import { readSse } from './sse.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const SEED = 11
/** 40 tokens, one each 20 ms: long enough to be cut in its middle. */
const MODEL = 'echo-40-20-0'
const TOTAL = 40

interface Event {
  id: string | undefined
  text: string
  data: string
}

const ask = (extra: object = {}) => ({
  model: MODEL,
  messages: hello,
  seed: SEED,
  stream: true,
  ...extra,
})

/** Events with their ids, as a client that resumes reads them. */
function events(body: string): Event[] {
  return body
    .replaceAll(/^:\n/gm, '')
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const id = /^id: (.*)$/m.exec(block)?.[1]
      const data = /^data: (.*)$/m.exec(block)?.[1] ?? ''
      const parsed = data === '[DONE]' ? {} : (JSON.parse(data) as Chunk)
      return { id, data, text: parsed.choices?.[0]?.delta?.content ?? '' }
    })
}
interface Chunk {
  choices?: { delta?: { content?: string } }[]
}

const textIn = (list: readonly Event[]): string => list.map(({ text }) => text).join('')
const lastId = (list: readonly Event[]): string =>
  list.findLast(({ id }) => id !== undefined)?.id ?? ''

const idOf = (response: Response): string => response.headers.get('x-generation-id') ?? ''

/** Status and field of a refusal. */
const refusal = async (asked: Promise<Response>) => {
  const answer = await asked
  const { error } = (await answer.json()) as { error: { param: string | null } }
  return [answer.status, error.param]
}

export function resume(stack: () => Stack): void {
  const post = (headers: Record<string, string>, extra: object = {}, key = stack().admin) =>
    stack().fetch('/v1/chat/completions', { key, json: ask(extra), headers })
  const get = (path: string, headers: Record<string, string> = {}, key = stack().admin) =>
    stack().fetch(path, { key, headers })

  /** Reads until some text is there, and hangs up. */
  async function begin(headers: Record<string, string> = { 'x-stream-resume': '1' }) {
    const abort = new AbortController()
    const response = await stack().fetch('/v1/chat/completions', {
      key: stack().admin,
      json: ask({ stream_options: { include_usage: true } }),
      headers,
      signal: abort.signal,
    })
    const id = idOf(response)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let body = ''
    while (textIn(events(wholeOf(body))).length < 20) {
      const read = await reader?.read()
      if (!read || read.done) throw new Error('the answer was over too soon')
      body += read.value
    }
    abort.abort()
    return { id, seen: events(wholeOf(body)) }
  }

  describe('a client that means to come back', () => {
    test('is told a position with every event, and gets exactly the rest after the last', async () => {
      const { id, seen } = await begin()
      expect(seen[0]?.id).toBe(`${id}:0`)
      const response = await get(`/v1/streams/${id}`, { 'last-event-id': lastId(seen) })
      expect(response.status).toBe(200)
      expect(response.headers.get('x-generation-id')).toBe(id)
      const rest = events(await response.text())
      expect(textIn(seen) + textIn(rest)).toBe(oracle(SEED, TOTAL))
      expect(rest.slice(-3).map((event) => event.id)).toEqual([
        `${id}:${TOTAL + 1}`,
        `${id}:${TOTAL + 2}`,
        undefined,
      ])
      expect(rest.at(-1)?.data).toBe('[DONE]')
      expect(rest.at(-2)?.data).toContain(`"completion_tokens":${TOTAL}`)
    })

    test('may be the OpenAI SDK, which reads events with ids as it reads those without', async () => {
      const headers = { 'x-stream-resume': '1' }
      const stream = await stack()
        .openai()
        .chat.completions.create({ ...ask(), stream: true, model: MODEL }, { headers })
      const chunks = []
      for await (const chunk of stream) chunks.push(chunk)
      expect(chunks.map(({ choices }) => choices[0]?.delta.content).join('')).toBe(
        oracle(SEED, TOTAL),
      )
    })

    test('gets the same rest by asking again as it first did', async () => {
      const { seen } = await begin()
      const again = await post({ 'last-event-id': lastId(seen) })
      expect(textIn(seen) + textIn(events(await again.text()))).toBe(oracle(SEED, TOTAL))
    })

    test('gets it from any token on, also when it is long over', async () => {
      const response = await post({ 'x-stream-resume': '1' })
      const id = idOf(response)
      await response.text()
      for (const after of [0, 1, 17, TOTAL - 1, TOTAL]) {
        const rest = events(await (await get(`/v1/streams/${id}?after=${after}`)).text())
        expect(textIn(rest)).toBe(oracle(SEED, TOTAL).slice(oracle(SEED, after).length))
        expect(rest.filter(({ data }) => data.includes('"finish_reason":"stop"'))).toHaveLength(1)
      }
      const over = events(await (await get(`/v1/streams/${id}?after=${TOTAL + 1}`)).text())
      expect(over.map(({ data }) => data)).toEqual(['[DONE]'])
      const whole = await (await get(`/v1/streams/${id}`)).text()
      expect(events(whole)[0]?.data).toContain('"role":"assistant"')
    })

    test('is refused with a reason where it cannot have what it asks for', async () => {
      const response = await post({ 'x-stream-resume': '1' })
      const id = idOf(response)
      await response.text()
      expect(await refusal(get(`/v1/streams/${id}?after=${TOTAL + 3}`))).toEqual([400, 'after'])
      expect(await refusal(get(`/v1/streams/${id}?after=-1`))).toEqual([400, 'after'])
      expect(await refusal(get(`/v1/streams/${id}`, {}, stack().stranger))).toEqual([404, null])
      expect(await refusal(get(`/v1/streams/${newJobId()}`))).toEqual([404, null])
      expect(await refusal(get('/v1/streams/nonsense'))).toEqual([400, 'id'])
      expect(await refusal(get(`/v1/streams/${id}`, { 'last-event-id': 'x' }))).toEqual([
        400,
        'Last-Event-ID',
      ])
      expect(await refusal(post({ 'last-event-id': `${id}:-1` }))).toEqual([400, 'Last-Event-ID'])
      expect(await refusal(post({ 'x-stream-resume': 'yes' }))).toEqual([400, 'x-stream-resume'])
    })

    test('cannot resume what it did not ask to', async () => {
      const response = await post({})
      const id = idOf(response)
      const refused = await get(`/v1/streams/${id}?after=0`)
      expect(refused.status).toBe(400)
      expect(await refused.text()).toContain('x-stream-resume: 1')
      expect(readSse(await response.text()).text).toBe(oracle(SEED, TOTAL))
    })

    test('can end the answer, and then there is none', async () => {
      const { id } = await begin()
      const path = `/v1/streams/${id}`
      const ended = await stack().fetch(path, { key: stack().admin, method: 'DELETE' })
      expect([ended.status, await ended.json()]).toEqual([200, { id, cancelled: true }])
      await until(async () => (await stack().ledger(id))?.type === 'final')
      expect(await stack().ledger(id)).toMatchObject({ outcome: 'cancelled' })
      await stack().idle()
      expect((await get(path)).status).toBe(404)
    })
  })
}

export function once(stack: () => Stack): void {
  const post = (idempotencyKey: string, extra: object = {}, key = stack().admin) =>
    stack().fetch('/v1/chat/completions', {
      key,
      json: ask(extra),
      headers: { 'idempotency-key': idempotencyKey },
    })

  describe('an idempotency key', () => {
    test('stands for one job, whoever asks with it at once and later', async () => {
      const key = newJobId()
      const responses = await Promise.all(Array.from({ length: 6 }, () => post(key)))
      const ids = new Set(responses.map(({ headers }) => headers.get('x-generation-id')))
      expect(ids.size).toBe(1)
      const texts = await Promise.all(responses.map(async (r) => readSse(await r.text()).text))
      expect(new Set(texts)).toEqual(new Set([oracle(SEED, TOTAL)]))
      const again = await post(key)
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      expect(ids).toContain(again.headers.get('x-generation-id'))
      const replayed = readSse(await again.text())
      expect([replayed.text, replayed.done]).toEqual([oracle(SEED, TOTAL), true])
    })

    test('stands for a whole answer as well, word for word', async () => {
      const key = newJobId()
      const whole = await (await post(key, { stream: false })).text()
      const again = await post(key, { stream: false })
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      expect(await again.text()).toBe(whole)
    })

    test('keeps the job alive while its client comes back', async () => {
      const key = newJobId()
      const abort = new AbortController()
      const first = await stack().fetch('/v1/chat/completions', {
        key: stack().admin,
        json: ask(),
        headers: { 'idempotency-key': key },
        signal: abort.signal,
      })
      abort.abort()
      const again = await post(key)
      expect(again.headers.get('x-generation-id')).toBe(first.headers.get('x-generation-id'))
      expect(readSse(await again.text()).text).toBe(oracle(SEED, TOTAL))
    })

    test('is refused with another body, however the same is written, and when it is no key', async () => {
      const key = newJobId()
      const first = await post(key)
      const other = await post(key, { seed: SEED + 1 })
      expect(other.status).toBe(422)
      expect(await other.json()).toMatchObject({
        error: { param: 'Idempotency-Key', code: 'idempotency_key_reused' },
      })
      const { model, ...rest } = ask()
      const reordered = await stack().fetch('/v1/chat/completions', {
        key: stack().admin,
        json: { ...rest, model },
        headers: { 'idempotency-key': key },
      })
      expect(reordered.status).toBe(200)
      await Promise.all([first.text(), reordered.text()])
      for (const bad of ['', 'k'.repeat(256), 'k'.repeat(10_000)]) {
        const refused = await post(bad)
        expect(refused.status).toBe(400)
        expect(await refused.json()).toMatchObject({ error: { param: 'Idempotency-Key' } })
      }
    })

    test('is of one tenant', async () => {
      const key = newJobId()
      const first = await post(key)
      const second = await post(key, {}, stack().stranger)
      expect(second.headers.get('x-generation-id')).not.toBe(first.headers.get('x-generation-id'))
      await Promise.all([first.text(), second.text()])
    })

    test('is free again where its request was refused', async () => {
      const key = newJobId()
      expect((await post(key, { model: 'nobody' })).status).toBe(404)
      const next = await post(key)
      expect(next.status).toBe(200)
      await next.text()
    })
  })
}

/** What ends in a blank line: the rest is still on its way. */
const wholeOf = (body: string): string => body.slice(0, body.lastIndexOf('\n\n') + 2)
