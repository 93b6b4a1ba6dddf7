import { expectTo, type Check } from './probe.ts'

const CHAT = '/v1/chat/completions'

/** What a client that did something wrong is told. */
export const refusals: readonly Check[] = [
  {
    id: 'no-key',
    title: 'a request without a key is 401 invalid_api_key or says what to send',
    run: async (probe) => {
      await probe.refused(probe.fetch(CHAT, { json: probe.hello(), key: null }), 401)
    },
  },
  {
    id: 'wrong-key',
    title: 'a wrong key is 401 invalid_api_key',
    run: async (probe) => {
      const { code } = await probe.refused(
        probe.fetch(CHAT, { json: probe.hello(), key: 'sk-wrong' }),
        401,
      )
      expectTo(code === 'invalid_api_key', `the code is ${code}`)
    },
  },
  {
    id: 'bad-json',
    title: 'a body that is no JSON is 400',
    run: async (probe) => void (await probe.refused(probe.fetch(CHAT, { raw: '{"model":' }), 400)),
  },
  {
    id: 'not-an-object',
    title: 'a body that is no object is 400',
    run: async (probe) => {
      for (const raw of ['[]', 'null', '"text"', '1'])
        await probe.refused(probe.fetch(CHAT, { raw }), 400)
    },
  },
  {
    id: 'empty-body',
    title: 'an empty body is 400',
    run: async (probe) => void (await probe.refused(probe.fetch(CHAT, { raw: '' }), 400)),
  },
  ...(
    [
      ['model', { messages: [{ role: 'user', content: 'Hello!' }] }, 'a missing model'],
      ['messages', { model: '$MODEL' }, 'missing messages'],
      ['messages', { model: '$MODEL', messages: [] }, 'no messages'],
      ['temperature', { $hello: true, temperature: 'hot' }, 'a temperature in words'],
      ['temperature', { $hello: true, temperature: 9 }, 'a temperature out of range'],
      ['max_tokens', { $hello: true, max_tokens: -1 }, 'a negative max_tokens'],
      ['stop', { $hello: true, stop: { a: 1 } }, 'a stop that is an object'],
    ] as const
  ).map(([param, body, what]): Check => ({
    id: `bad-${what.replaceAll(' ', '-')}`,
    title: `${what} is 400 and named in param`,
    run: async (probe) => {
      const json = '$hello' in body ? { ...probe.hello(), ...body } : body
      const text = JSON.stringify({ ...json, $hello: undefined }).replace('$MODEL', probe.model)
      const error = await probe.refused(probe.fetch(CHAT, { raw: text }), 400)
      expectTo(error.param?.startsWith(param) ?? false, `param is ${error.param}`)
      expectTo(error.type === 'invalid_request_error', `type is ${error.type}`)
    },
  })),
  {
    id: 'unknown-model',
    title: 'an unknown model is 404 model_not_found',
    run: async (probe) => {
      const { code } = await probe.refused(probe.chat({ model: 'no-such-model-at-all' }), 404)
      expectTo(code === 'model_not_found', `the code is ${code}`)
    },
  },
  {
    id: 'unknown-route',
    title: 'an unknown route is 404 with the error object',
    run: async (probe) => void (await probe.refused(probe.fetch('/v1/no/such/route'), 404)),
  },
  {
    id: 'wrong-method',
    title: 'a wrong method is 405 or 404 with the error object',
    run: async (probe) => {
      await probe.refused(probe.fetch(CHAT, { method: 'PUT', json: probe.hello() }), 404, 405)
    },
  },
  {
    id: 'no-json-type',
    title: 'a body of another type is refused, and not taken for JSON',
    run: async (probe) => {
      const headers = { 'content-type': 'text/plain' }
      await probe.refused(probe.fetch(CHAT, { raw: 'Hello!', headers }), 400, 415)
    },
  },
  {
    id: 'huge-body',
    title: 'a body of 40 MB is 413 or 400',
    run: async (probe) => {
      const content = 'x'.repeat(40_000_000)
      const asked = probe.chat({ messages: [{ role: 'user', content }] })
      await probe.refused(asked, 400, 413)
    },
  },
  {
    id: 'stream-refused',
    title: 'a stream that cannot begin is refused as JSON, with its status',
    run: async (probe) => {
      await probe.refused(probe.chat({ model: 'no-such-model-at-all', stream: true }), 404)
    },
  },
  {
    id: 'unknown-object',
    title: 'an unknown id is 404',
    run: async (probe) => {
      await probe.refused(probe.fetch('/v1/models/no-such-model-at-all'), 404)
    },
  },
]
