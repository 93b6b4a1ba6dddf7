import { describe, expect, test } from 'vitest'
import { hello, oracle } from './oracle.ts'
import { readSse } from './sse.ts'
import type { Stack } from './stack.ts'

const request = { model: 'echo-100-1-0', messages: hello, seed: 7, stream: true }

export function streamedChat(stack: () => Stack): void {
  const streamed = async (more: object = {}) => {
    const { admin } = stack()
    const json = { ...request, ...more }
    const response = await stack().fetch('/v1/chat/completions', { key: admin, json })
    return { response, body: await response.text() }
  }
  const bySdk = async () => {
    const { completions } = stack().openai().chat
    let text = ''
    for await (const chunk of await completions.create({ ...request, stream: true }))
      text += chunk.choices[0]?.delta.content ?? ''
    return text
  }

  describe('a streamed chat', () => {
    test('says to the OpenAI SDK exactly what the model said', async () => {
      expect(await bySdk()).toBe(oracle(7, 100))
    })

    test('has one id, one time and one model', async () => {
      const { chunks } = readSse((await streamed()).body)
      expect(chunks.length).toBeGreaterThan(2)
      const heads = new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`))
      expect([...heads]).toEqual([
        expect.stringMatching(/^chatcmpl-[0-9a-f-]{36} \d{10} echo-100-1-0$/),
      ])
    })

    test('tells the role first and one reason at the end', async () => {
      const { chunks } = readSse((await streamed()).body)
      const choices = chunks.flatMap((chunk) => chunk.choices)
      expect(choices[0]?.delta.role).toBe('assistant')
      expect(choices.slice(1).filter(({ delta }) => delta.role !== undefined)).toEqual([])
      const reasons = choices.map((choice) => choice.finish_reason)
      expect(reasons.filter((reason) => reason !== null)).toEqual(['stop'])
      expect(reasons.at(-1)).toBe('stop')
    })

    test('ends with [DONE] and then with the end of the body', async () => {
      const { body } = await streamed()
      expect(body.endsWith('data: [DONE]\n\n')).toBe(true)
      expect(body.split('[DONE]')).toHaveLength(2)
    })

    test('counts its tokens in one more chunk, where that was asked for', async () => {
      const asked = await streamed({ stream_options: { include_usage: true } })
      const { chunks } = readSse(asked.body)
      expect(chunks.at(-1)).toMatchObject({
        choices: [],
        usage: { prompt_tokens: 2, completion_tokens: 100, total_tokens: 102 },
      })
      expect(new Set(chunks.slice(0, -1).map(({ usage }) => usage))).toEqual(new Set([null]))
    })

    test('counts nothing where it was not', async () => {
      const { chunks } = readSse((await streamed()).body)
      expect(chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
      expect(chunks.filter((chunk) => chunk.choices.length !== 1)).toEqual([])
    })

    test('begins with a keep-alive, long before the first token', async () => {
      const json = { ...request, model: 'echo-1-0-5000' }
      const response = await stack().fetch('/v1/chat/completions', { key: stack().admin, json })
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      const first = await reader?.read()
      expect(first?.value).toMatch(/^:\n/)
      expect(first?.value).not.toMatch(/"content":"[^"]/)
      await reader?.cancel()
      // workerd hears of it when it next writes.
      await stack().idle()
    })

    test('has the headers that proxies and SDKs need', async () => {
      const { response } = await streamed()
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        'x-request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
        'x-generation-id': expect.stringMatching(/^job_[0-9a-f-]{36}$/),
        'openai-version': '2020-10-01',
        'openai-processing-ms': expect.stringMatching(/^\d+$/),
      })
      expect(response.headers.get('content-encoding')).toBeNull()
    })

    test('stops at max_tokens and says so', async () => {
      for (const limit of [{ max_tokens: 5 }, { max_completion_tokens: 5 }]) {
        const { text, chunks } = readSse((await streamed(limit)).body)
        expect(text).toBe(oracle(7, 5))
        expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length')
      }
    })

    test('gives a duplex model its input and its input back', async () => {
      const messages = [{ role: 'user', content: 'one two  three\nfour' }]
      const { body } = await streamed({ model: 'echo-in-1', messages })
      expect(readSse(body)).toMatchObject({ text: 'one two  three\nfour', done: true })
    })

    test('is not confused by thirty others', async () => {
      const seeds = Array.from({ length: 30 }, (_, i) => 1000 + i)
      const said = await Promise.all(seeds.map((seed) => streamed({ seed })))
      const texts = said.map(({ body }) => readSse(body).text)
      expect(texts).toEqual(seeds.map((seed) => oracle(seed, 100)))
    })
  })
}
