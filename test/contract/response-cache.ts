import { beforeAll, describe, expect, test } from 'vitest'
import { ProjectView } from '../../proto/organisations.ts'
import { JobId } from '../../proto/ids.ts'
import { UsagePage } from '../../proto/usage-report.ts'
import { hello } from './oracle.ts'
import { readSse } from './sse.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const CHAT = '/v1/chat/completions'

/** An echo model's words come of its seed, and nobody sets one here: the same words twice were computed once. */
export function responseCache(stack: () => Stack): void {
  let project: string
  let key: string
  let turn = 0

  const ask = async (
    {
      stream = false,
      cache,
      ...json
    }: { stream?: boolean; cache?: string; [more: string]: unknown },
    by = key,
  ) => {
    const body = { model: 'echo-12-0-0', messages: hello, stream, ...json }
    const headers = cache === undefined ? {} : { 'x-cache': cache }
    const response = await stack().fetch(CHAT, { key: by, json: body, headers })
    const said = await response.text()
    const text = stream ? readSse(said).text : contentOf(said)
    const id = JobId.parse(response.headers.get('x-generation-id'))
    return { said: response.headers.get('x-cache'), text, id }
  }
  /** A question that was not asked before. */
  const question = () => ({ stop: [`never ${++turn}`] })
  const patch = (json: object) =>
    stack().fetch(`/admin/projects/${project}`, { method: 'PATCH', json, key: stack().admin })
  const keyIn = async (cache: object | null) => {
    const json = { name: 'A project', cache }
    const made = await stack().fetch('/admin/projects', { json, key: stack().admin })
    const { id } = ProjectView.parse(await made.json())
    return { id, secret: (await stack().newKey({ project: id })).secret }
  }

  describe('the response cache', () => {
    beforeAll(async () => {
      const made = await keyIn({ ttlMs: 60_000 })
      project = made.id
      key = made.secret
    })

    test('gives the same answer again, streamed or whole, as another generation', async () => {
      const asked = question()
      const first = await ask(asked)
      expect(first.said).toBe('miss')
      await until(async () => (await ask(asked)).said === 'hit')
      const [whole, streamed] = [await ask(asked), await ask({ ...asked, stream: true })]
      expect([whole.said, streamed.said]).toEqual(['hit', 'hit'])
      expect([whole.text, streamed.text]).toEqual([first.text, first.text])
      expect(new Set([first.id, whole.id, streamed.id]).size).toBe(3)
    })

    test('is counted in usage for itself, as much as was given', async () => {
      const user = `cached ${++turn}`
      const asked = { ...question(), user }
      await ask(asked)
      await until(async () => (await ask(asked)).said === 'hit')
      const query = new URLSearchParams({
        start_time: String(Math.floor(Date.now() / 1000) - 60),
        group_by: 'from_cache',
        user_ids: user,
      })
      const results = async () => {
        const response = await stack().fetch(`/v1/usage?${query.toString()}`, { key })
        const { data } = UsagePage.parse(await response.json())
        return data.flatMap((bucket) => bucket.results)
      }
      await until(async () => (await results()).some(({ from_cache }) => from_cache === true))
      const hits = (await results()).find(({ from_cache }) => from_cache === true)
      expect(hits?.output_tokens).toBe(12 * Number(hits?.num_model_requests))
    })

    test('knows a question by all that its answer depends on', async () => {
      const asked = question()
      await ask(asked)
      await until(async () => (await ask(asked)).said === 'hit')
      const others = [
        { ...asked, temperature: 0.5 },
        { ...asked, seed: 7 },
        { ...asked, max_tokens: 5 },
        { ...asked, messages: [{ role: 'user', content: 'hello?' }] },
        { ...asked, model: 'echo-13-0-0' },
      ]
      for (const other of others) expect((await ask(other)).said).toBe('miss')
      expect((await ask({ ...asked, user: 'somebody' })).said).toBe('hit')
    })

    test('gives nothing of one project to another', async () => {
      const other = await keyIn({})
      const asked = question()
      await ask(asked)
      await until(async () => (await ask(asked)).said === 'hit')
      expect((await ask(asked, other.secret)).said).toBe('miss')
    })

    test('is passed by where a request says so', async () => {
      const asked = question()
      const first = await ask(asked)
      await until(async () => (await ask(asked)).said === 'hit')
      const alone = await ask({ ...asked, cache: 'no-store' })
      expect(alone.said).toBe('bypass')
      const renewed = await ask({ ...asked, cache: 'refresh' })
      expect(renewed.said).toBe('miss')
      expect(new Set([first.text, alone.text, renewed.text]).size).toBe(3)
      await until(async () => (await ask(asked)).text === renewed.text)
      const wrong = { key, json: { model: 'echo-1-0-0', messages: hello } }
      const response = await stack().fetch(CHAT, { ...wrong, headers: { 'x-cache': 'maybe' } })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param: 'x-cache' } })
    })

    test('is not there where nobody asked for it, and gone when it is turned off', async () => {
      const plain = await keyIn(null)
      const asked = question()
      expect((await ask(asked, plain.secret)).said).toBeNull()
      await ask(asked)
      await until(async () => (await ask(asked)).said === 'hit')
      expect((await patch({ cache: null })).status).toBe(200)
      expect(await until(async () => (await ask(asked)).said === null)).toBeLessThan(1_000)
    })
  })
}

const contentOf = (body: string): string =>
  (JSON.parse(body) as { choices: { message: { content: string } }[] }).choices[0]?.message
    .content ?? ''
