import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { AuthenticationError, BadRequestError, NotFoundError } from 'openai'
import { describe, expect, test } from 'vitest'
import { ErrorBody } from '../../proto/openai/error.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'

const MiB = 1024 * 1024
const CHAT = '/v1/chat/completions'
const fine = { model: 'echo-1-0-0', messages: hello }

interface Refused {
  status: number
  error: unknown
  headers: Record<string, string>
}

/** What every refusal must be, whatever the reason: OpenAI's four keys as JSON, and nothing of our insides. */
async function refused(asked: Promise<Response>): Promise<Refused> {
  const response = await asked
  const text = await response.text()
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const body: unknown = JSON.parse(text)
  expect(Object.keys(ErrorBody.strict().parse(body).error).toSorted()).toEqual([
    'code',
    'message',
    'param',
    'type',
  ])
  expect(text).not.toMatch(/\/work\/|node_modules|file:\/\/|\.ts\b|\bat \w+ \(|Error:/)
  const { error } = ErrorBody.parse(body)
  return { status: response.status, error, headers: Object.fromEntries(response.headers) }
}

const INVALID = 'invalid_request_error'
const json = { 'content-type': 'application/json' }

export function refusals(stack: () => Stack): void {
  const chat = (body: unknown) => refused(stack().fetch(CHAT, { key: stack().admin, json: body }))
  const raw = (body: string, headers: Record<string, string> = {}) =>
    refused(stack().fetch(CHAT, { key: stack().admin, method: 'POST', body, headers }))

  /** Sends so much JSON in chunks, without saying how much it will be. */
  const chunked = async (bytes: number): Promise<number | undefined> => {
    const headers = { ...json, authorization: `Bearer ${stack().admin}` }
    const sent = httpRequest(`${stack().url}${CHAT}`, { method: 'POST', headers })
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>
    const text = JSON.stringify({ ...fine, padding: 'x'.repeat(bytes) })
    for (let at = 0; at < text.length; at += 65_536) sent.write(text.slice(at, at + 65_536))
    sent.end()
    const [answer] = await answered
    answer.resume()
    return answer.statusCode
  }

  describe('a refusal', () => {
    test('of an unknown model names it', async () => {
      expect(await chat({ ...fine, model: 'gpt-99' })).toMatchObject({
        status: 404,
        error: {
          type: INVALID,
          param: 'model',
          code: 'model_not_found',
          message: expect.stringContaining('gpt-99'),
        },
      })
      await expect(stack().openai().models.retrieve('gpt-99')).rejects.toThrow(NotFoundError)
    })

    test.for([
      ['{', 'broken'],
      ['', 'empty'],
      ['[]', 'a list'],
      ['null', 'null'],
      ['"text"', 'a string'],
      ['{"a":1}{', 'followed by more'],
    ])('of the body %j, which is %s', async ([body = '']) => {
      expect(await raw(body, json)).toMatchObject({
        status: 400,
        error: { type: INVALID, code: null },
      })
    })

    test.for<[string, object]>([
      ['messages[0].role', { messages: [{ role: 'wizard', content: 'hi' }] }],
      ['messages[1].content', { messages: [...hello, { role: 'user', content: 7 }] }],
      ['messages', { messages: [] }],
      ['messages', { messages: 'hi' }],
      ['model', { model: 7 }],
      ['temperature', { temperature: 'hot' }],
      ['temperature', { temperature: 3 }],
      ['max_tokens', { max_tokens: 0 }],
      ['stream', { stream: 'yes' }],
      ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
      ['n', { n: 17 }],
      ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }],
      ['tools[0].function.name', { tools: [{ type: 'function', function: { name: 'a b' } }] }],
      ['tool_choice', { tool_choice: 'required' }],
      [
        'messages[0].content[0]',
        { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      ],
    ])('names the field %s of %j', async ([param, wrong]) => {
      expect(await chat({ ...fine, ...wrong })).toMatchObject({
        status: 400,
        error: { type: INVALID, param },
      })
    })

    test.for(['response_format', 'messages', 'nobody_knows'])(
      'of a body whose %s is nested beyond all sense is no fault of ours',
      async (field) => {
        const deep = '['.repeat(500_000) + ']'.repeat(500_000)
        const { model, messages } = { ...fine, model: 'gpt-99' }
        const text = JSON.stringify({ model, messages, [field]: 'deep' }).replace('"deep"', deep)
        expect((await raw(text, json)).status).toBeOneOf([400, 404])
      },
    )

    test('of a body that is not called JSON', async () => {
      const body = JSON.stringify(fine)
      const status = 415
      expect(await raw(body, { 'content-type': 'text/plain' })).toMatchObject({ status })
      expect(await raw(body, { 'content-type': 'multipart/form-data' })).toMatchObject({ status })
      const form = 'application/x-www-form-urlencoded'
      expect(await raw(body, { 'content-type': form })).toMatchObject({ status })
    })

    test('of ten megabytes', async () => {
      const body = JSON.stringify({ ...fine, padding: 'x'.repeat(10 * MiB) })
      expect(await raw(body, json)).toMatchObject({ status: 413, error: { type: INVALID } })
    })

    test('of three megabytes that do not say how many they are', async () => {
      expect(await chunked(3 * MiB)).toBe(413)
    })

    test('of a path that is not there', async () => {
      expect(await refused(stack().fetch('/v1/nothing', { key: stack().admin }))).toMatchObject({
        status: 404,
        error: { type: INVALID },
      })
      expect(await refused(stack().fetch('/nothing'))).toMatchObject({ status: 404 })
    })

    test('of a method that a path does not have', async () => {
      const key = stack().admin
      expect(await refused(stack().fetch(CHAT, { key }))).toMatchObject({ status: 405 })
      const gone = stack().fetch('/v1/models', { key, method: 'DELETE' })
      expect(await refused(gone)).toMatchObject({ status: 405 })
    })

    test('comes with a request id and what is left of the limit', async () => {
      const { headers } = await chat({ ...fine, model: 7 })
      expect(headers).toMatchObject({
        'x-request-id': expect.stringMatching(/^req_/),
        'openai-version': '2020-10-01',
        'x-ratelimit-limit-requests': '1000000',
      })
    })

    test('is one the OpenAI SDK has a class for', async () => {
      const { completions } = stack().openai().chat
      const wrong = completions.create({ ...fine, temperature: 9 })
      await expect(wrong).rejects.toThrow(BadRequestError)
      const stranger = stack().openai('sk-june-nobody').models.list()
      await expect(stranger).rejects.toThrow(AuthenticationError)
    })
  })
}
