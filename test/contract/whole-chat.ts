import { describe, expect, test } from 'vitest'
import { hello, oracle } from './oracle.ts'
import type { Stack } from './stack.ts'

export const wholeChat = (stack: () => Stack) =>
  describe('a chat that is not streamed', () => {
    test('is one completion', async () => {
      const openai = stack().openai()
      const asked = openai.chat.completions.create({
        model: 'echo-40-0-0',
        messages: hello,
        seed: 9,
      })
      const { data: completion, request_id: requestId } = await asked.withResponse()
      expect(completion).toMatchObject({
        id: expect.stringMatching(/^chatcmpl-/),
        object: 'chat.completion',
        model: 'echo-40-0-0',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: oracle(9, 40), refusal: null },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
        usage: { prompt_tokens: 2, completion_tokens: 40, total_tokens: 42 },
      })
      expect(requestId).toMatch(/^req_/)
    })

    test('stops at max_tokens and says so', async () => {
      const openai = stack().openai()
      const messages = hello
      const short = { model: 'echo-40-0-0', messages, seed: 9, max_completion_tokens: 3 }
      const { choices, usage } = await openai.chat.completions.create(short)
      expect(choices[0]).toMatchObject({
        finish_reason: 'length',
        message: { content: oracle(9, 3) },
      })
      expect(usage).toMatchObject({ completion_tokens: 3 })
    })

    test('is JSON with the headers that SDKs read', async () => {
      const json = { model: 'echo-1-0-0', messages: hello }
      const response = await stack().fetch('/v1/chat/completions', { key: stack().admin, json })
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': expect.stringMatching(/^application\/json/),
        'x-request-id': expect.stringMatching(/^req_/),
        'openai-version': '2020-10-01',
        'openai-processing-ms': expect.stringMatching(/^\d+$/),
      })
    })

    test('is recorded as done, with what its reader was told', async () => {
      const json = { model: 'echo-12-0-0', messages: hello }
      const response = await stack().fetch('/v1/chat/completions', { key: stack().admin, json })
      const id = String(response.headers.get('x-generation-id'))
      await response.json()
      expect(await stack().ledger(id)).toMatchObject({
        type: 'final',
        outcome: 'done',
        usage: { promptTokens: 2, completionTokens: 12 },
      })
    })

    test('takes content in parts, and a developer for a system message', async () => {
      const openai = stack().openai()
      const { usage } = await openai.chat.completions.create({
        model: 'echo-1-0-0',
        messages: [
          { role: 'developer', content: 'be brief' },
          { role: 'user', content: [{ type: 'text', text: 'three more words' }] },
        ],
      })
      expect(usage?.prompt_tokens).toBe(5)
    })
  })
