import { expectTo, type Check } from './probe.ts'

/** What stands beside the answers. */
export const headers: readonly Check[] = [
  {
    id: 'request-id',
    title: 'every answer has an x-request-id of its own, refusals too',
    run: async (probe) => {
      const answers = [
        await probe.fetch('/v1/models'),
        await probe.fetch('/v1/models'),
        await probe.fetch('/v1/models', { key: 'sk-wrong' }),
      ]
      const ids = answers.map((answer) => answer.headers.get('x-request-id'))
      for (const answer of answers) await answer.body?.cancel()
      expectTo(!ids.includes(null) && new Set(ids).size === ids.length, ids.join(', '))
    },
  },
  {
    id: 'processing-ms',
    title: 'openai-processing-ms and openai-version are there',
    run: async (probe) => {
      const response = await probe.chat()
      await response.body?.cancel()
      const ms = response.headers.get('openai-processing-ms') ?? 'missing'
      expectTo(/^\d+$/.test(ms), `openai-processing-ms: ${ms}`)
      expectTo(response.headers.has('openai-version'), 'openai-version is missing')
    },
  },
  {
    id: 'rate-limit-headers',
    title: 'x-ratelimit-* tell limit, remaining and reset of requests',
    run: async (probe) => {
      const response = await probe.chat()
      await response.body?.cancel()
      const of = (what: string) => response.headers.get(`x-ratelimit-${what}-requests`) ?? ''
      expectTo(/^\d+$/.test(of('limit')), `limit: ${of('limit')}`)
      expectTo(/^\d+$/.test(of('remaining')), `remaining: ${of('remaining')}`)
      expectTo(/^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(of('reset')), `reset: ${of('reset')}`)
    },
  },
  {
    id: 'cors-preflight',
    title: 'a browser may ask: the preflight allows key and body',
    run: async (probe) => {
      const response = await probe.fetch('/v1/chat/completions', {
        method: 'OPTIONS',
        key: null,
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      })
      const allowed = response.headers.get('access-control-allow-headers')?.toLowerCase() ?? ''
      expectTo(response.ok, `it answered ${response.status}`)
      expectTo(/authorization/.test(allowed) && /content-type/.test(allowed), allowed || 'nothing')
    },
  },
  {
    id: 'cors-read',
    title: 'a browser may read: answers and refusals allow any origin and show their headers',
    run: async (probe) => {
      for (const key of [undefined, 'sk-wrong']) {
        const origin = { origin: 'https://app.example' }
        const sent = key === undefined ? { headers: origin } : { headers: origin, key }
        const response = await probe.fetch('/v1/models', sent)
        await response.body?.cancel()
        const shown = response.headers.get('access-control-expose-headers')?.toLowerCase() ?? ''
        const allowed = response.headers.get('access-control-allow-origin')
        expectTo(allowed === '*' || allowed === origin.origin, `allow-origin: ${allowed}`)
        expectTo(shown.includes('x-request-id'), `exposed: ${shown}`)
      }
    },
  },
]
