import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, test } from 'vitest'
import type { Stack } from './stack.ts'

/** A gateway is at whatever address its operator gives it, and answers operations to anybody. */
const ALLOWED = { 'no-empty-servers': 'off', 'operation-4xx-response': 'off' } as const

export const operations = (stack: () => Stack) =>
  describe('the gateway', () => {
    test('says that it lives, to anybody', async () => {
      const response = await stack().fetch('/health')
      expect([response.status, await response.text()]).toEqual([200, 'ok'])
    })

    test('says what it needs and has', async () => {
      const response = await stack().fetch('/ready')
      expect(response.status).toBe(200)
      const all = { status: 'ready', broker: true, database: true, workers: true }
      expect(await response.json()).toEqual(all)
    })

    test('counts what it does, for Prometheus', async () => {
      const response = await stack().fetch('/metrics')
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
      const text = await response.text()
      expect(text).toMatch(/^june_gateway_admitted_total(\{[^}]*\})? [1-9]/m)
      expect(text.match(/^# TYPE june_gateway_admitted_total counter$/gm)).toHaveLength(1)
      const sample = /^[a-z_]+(\{[^}]*\})? -?[0-9.e+]+$/
      const lines = text.split('\n').filter((line) => !/^(#|$)/.test(line))
      expect(lines.filter((line) => !sample.test(line))).toEqual([])
    })

    test('describes all its routes', async () => {
      const response = await stack().fetch('/openapi.json')
      expect(response.status).toBe(200)
      const { openapi, paths } = (await response.json()) as {
        openapi: string
        paths: Record<string, Record<string, unknown>>
      }
      expect(openapi).toMatch(/^3\.1\./)
      const routes = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`),
      )
      expect(routes).toEqual(
        expect.arrayContaining([
          'post /v1/chat/completions',
          'get /v1/streams/{id}',
          'delete /v1/streams/{id}',
          'get /v1/models',
          'get /v1/models/{model}',
          'get /admin/keys',
          'post /admin/keys',
          'delete /admin/keys/{id}',
          'get /health',
          'get /ready',
          'get /metrics',
        ]),
      )
    })

    test('describes itself so that a linter has nothing to say', async () => {
      const source = await (await stack().fetch('/openapi.json')).text()
      const config = await createConfig({ extends: ['recommended'], rules: ALLOWED })
      const found = await lintFromString({ source, config })
      expect(
        found.map(
          ({ ruleId, message, location }) =>
            `${ruleId}: ${message} ${location.map(({ pointer }) => pointer).join()}`,
        ),
      ).toEqual([])
    })

    test('shows its API to people, with a script of its own and nothing from elsewhere', async () => {
      const page = await stack().fetch('/docs')
      expect(page.status).toBe(200)
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*'sha256-/)
      const sources = Array.from(
        (await page.text()).matchAll(/ (?:src|href)="([^"]*)"/g),
        (m) => m[1],
      )
      expect(sources).toEqual(['/openapi.json', '/docs/scalar.js'])
      const script = await stack().fetch('/docs/scalar.js')
      expect(script.headers.get('content-type')).toMatch(/^text\/javascript/)
      expect(await script.text()).toContain('createApiReference')
    })

    test('shows people a page', async () => {
      const response = await stack().fetch('/')
      expect(response.headers.get('content-type')).toMatch(/^text\/html/)
      expect(await response.text()).toMatch(/^<!doctype html>/i)
    })

    test('lists its models, and each of them', async () => {
      const openai = stack().openai()
      const { data: models } = await openai.models.list()
      expect(models.length).toBeGreaterThan(0)
      for (const model of models) {
        expect(model).toEqual({
          id: expect.any(String),
          object: 'model',
          created: expect.any(Number),
          owned_by: 'june',
          kind: expect.stringMatching(/^(chat|duplex|embed|rerank)$/),
        })
        expect(await openai.models.retrieve(model.id)).toMatchObject({ id: model.id })
      }
    })

    test('lets scripts of any page ask, and read what SDKs read', async () => {
      const origin = 'https://app.example'
      const preflight = await stack().fetch('/v1/chat/completions', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
        },
      })
      expect(preflight.status).toBe(204)
      expect(Object.fromEntries(preflight.headers)).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': expect.stringContaining('POST'),
        'access-control-allow-headers': 'authorization,content-type,x-stainless-lang',
      })
      const headers = { origin }
      const answer = await stack().fetch('/v1/models', { key: stack().admin, headers })
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      const exposed = answer.headers.get('access-control-expose-headers')?.split(',')
      expect(exposed).toEqual(
        expect.arrayContaining([
          'x-request-id',
          'x-generation-id',
          'idempotency-replayed',
          'openai-processing-ms',
          'openai-version',
          'retry-after',
          'retry-after-ms',
          'x-ratelimit-limit-requests',
          'x-ratelimit-remaining-requests',
          'x-ratelimit-reset-requests',
        ]),
      )
    })

    test('lets scripts read a refusal too', async () => {
      const refused = await stack().fetch('/v1/models', { headers: { origin: 'https://a.b' } })
      expect(refused.status).toBe(401)
      expect(refused.headers.get('access-control-allow-origin')).toBe('*')
    })

    test('does not keep a client waiting that offers an upgrade', async () => {
      const headers = { connection: 'upgrade', upgrade: 'h2c' }
      expect(await statusOf(`${stack().url}/health`, headers)).toBe(200)
    })
  })

/** `fetch` sends no such headers. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const signal = AbortSignal.timeout(2_000)
  const [answer] = (await once(request(url, { headers, signal }).end(), 'response')) as [
    IncomingMessage,
  ]
  answer.resume()
  return answer.statusCode
}
