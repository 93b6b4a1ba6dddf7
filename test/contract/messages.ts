import { describe, expect, test } from 'vitest'
import { MessagesError, MessagesResponse } from '../../proto/anthropic/messages.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'

const asked = { model: 'echo-6-0-0', max_tokens: 100, messages: hello }

/** Anthropic’s API, for clients that know no other. The SDK itself is in test/clients. */
export function messages(stack: () => Stack): void {
  const post = (json: unknown, path = '/v1/messages', headers: Record<string, string> = {}) =>
    stack().fetch(path, { json, headers: { 'x-api-key': stack().admin, ...headers } })

  describe('messages', () => {
    test('are answered to a key in x-api-key, whole', async () => {
      const response = await post(asked)
      expect(response.headers.get('request-id')).toBe(response.headers.get('x-request-id'))
      const whole = MessagesResponse.parse(await response.json())
      expect(whole).toMatchObject({ stop_reason: 'end_turn', usage: { output_tokens: 6 } })
      expect(whole.content).toMatchObject([
        { type: 'text', text: expect.stringMatching(/^(\d+ ){6}$/) },
      ])
    })

    test('are streamed from message_start to message_stop', async () => {
      const text = await (await post({ ...asked, stream: true })).text()
      const types = Array.from(text.matchAll(/^event: (\w+)\ndata: \{"type":"(\w+)"/gm))
      expect(types.every(([, event, type]) => event === type)).toBe(true)
      const names = types.map(([, event]) => event)
      expect(names.slice(0, 3)).toEqual([
        'message_start',
        'content_block_start',
        'content_block_delta',
      ])
      expect(names.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    })

    test('are counted', async () => {
      const response = await post(asked, '/v1/messages/count_tokens')
      expect(await response.json()).toEqual({ input_tokens: expect.any(Number) })
    })

    test.for([
      [{ ...asked, max_tokens: undefined }, 400, 'invalid_request_error', 'max_tokens'],
      [
        { ...asked, metadata: { user_id: '\ud800' } },
        400,
        'invalid_request_error',
        'metadata.user_id',
      ],
      [{ ...asked, top_k: 5 }, 400, 'invalid_request_error', 'top_k'],
      [
        { ...asked, messages: [{ role: 'system', content: 'x' }] },
        400,
        'invalid_request_error',
        'messages[0].role',
      ],
      [
        { ...asked, messages: [{ role: 'user', content: [{ type: 'image', source: {} }] }] },
        400,
        'invalid_request_error',
        'messages[0].content[0].type',
      ],
      [{ ...asked, model: 'none' }, 404, 'not_found_error', 'model'],
    ] as const)(
      'are refused as Anthropic refuses them: %j',
      async ([json, status, type, param]) => {
        const response = await post(json)
        expect(response.status).toBe(status)
        const { error } = MessagesError.parse(await response.json())
        expect(error).toMatchObject({ type, param })
      },
    )

    test('are refused to a wrong key', async () => {
      const response = await post(asked, '/v1/messages', { 'x-api-key': 'sk-wrong' })
      expect(response.status).toBe(401)
      expect(MessagesError.parse(await response.json()).error.type).toBe('authentication_error')
    })
  })
}
