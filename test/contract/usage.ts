import { describe, expect, test } from 'vitest'
import { JobId } from '../../proto/ids.ts'
import { CREDIT_WINDOW } from '../../proto/job.ts'
import { UsageRecord } from '../../proto/usage.ts'
import { UsagePage } from '../../proto/usage-report.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const CHAT = '/v1/chat/completions'
/** A gap of 40 ms: what is made between a hang-up and its being heard of is few tokens. */
const SLOW = { model: 'echo-999-40-0', messages: hello, stream: true }
const HEARD_WITHIN_TOKENS = 100

export function usage(stack: () => Stack): void {
  const startS = Math.floor(Date.now() / 1000) - 60
  const ask = (path: string, key: string, query: Record<string, string> = {}) =>
    stack().fetch(
      `${path}?${new URLSearchParams({ start_time: String(startS), ...query }).toString()}`,
      { key },
    )
  const page = async (path: string, key: string, query: Record<string, string> = {}) =>
    UsagePage.parse(await (await ask(path, key, query)).json())
  const rows = async (query: Record<string, string> = {}) => {
    const file = await ask('/admin/usage/export', stack().admin, { format: 'jsonl', ...query })
    const lines = (await file.text()).split('\n').filter(Boolean)
    return lines.map((line) => UsageRecord.parse(JSON.parse(line)))
  }
  const rowOf = async (id: string) => (await rows()).find(({ job }) => job === id)

  describe('usage', () => {
    test('of a job is what its caller was told', async () => {
      const { secret, id } = await stack().newKey()
      const json = { model: 'echo-9-0-0', messages: hello, user: '=1+1' }
      const response = await stack().fetch(CHAT, { key: secret, json })
      const told = (await response.json()) as { usage: Record<string, number> }
      const job = JobId.parse(response.headers.get('x-generation-id'))
      await until(async () => (await rowOf(job)) !== undefined)
      expect(await rowOf(job)).toMatchObject({
        key: id,
        user: '=1+1',
        model: 'echo-9-0-0',
        outcome: 'done',
        finish: 'stop',
        prompt_tokens: told.usage['prompt_tokens'],
        completion_tokens: told.usage['completion_tokens'],
        workers: ['w1'],
      })
      const csv = await ask('/admin/usage/export', stack().admin, { api_key_ids: id })
      expect(csv.headers.get('content-type')).toMatch(/^text\/csv/)
      const [head, line, rest] = (await csv.text()).split('\r\n')
      expect([head?.split(',')[0], rest]).toEqual(['job', ''])
      // A spreadsheet must not compute what a stranger wrote.
      expect(line).toContain(`,"'=1+1",`)

      for (const bucket_width of ['1m', '1h', '1d']) {
        const query = { bucket_width, 'group_by[]': 'model', group_by: 'user_id', api_key_ids: id }
        const { data } = await page('/v1/usage', secret, query)
        expect(data.flatMap(({ results }) => results)).toEqual([
          expect.objectContaining({
            num_model_requests: 1,
            input_tokens: told.usage['prompt_tokens'],
            output_tokens: 9,
            model: 'echo-9-0-0',
            user_id: '=1+1',
            api_key_id: null,
          }),
        ])
      }
    })

    test('of a client that hung up is all it saw, and no more than was made for it', async () => {
      const { secret } = await stack().newKey()
      const hangup = new AbortController()
      const { signal } = hangup
      const response = await stack().fetch(CHAT, { key: secret, json: SLOW, signal })
      const saw = await tokensSeen(response, 10)
      hangup.abort()
      const job = JobId.parse(response.headers.get('x-generation-id'))
      await until(async () => (await rowOf(job)) !== undefined)
      const row = await rowOf(job)
      expect(row).toMatchObject({ outcome: 'cancelled', prompt_tokens: 2 })
      expect(row?.completion_tokens).toBeGreaterThanOrEqual(saw)
      expect(row?.completion_tokens).toBeLessThan(saw + CREDIT_WINDOW + HEARD_WITHIN_TOKENS)
      expect(await stack().ledger(job)).toMatchObject({
        usage: { completionTokens: row?.completion_tokens },
      })
    })

    test('of a prompt that was only counted is nothing', async () => {
      const { secret } = await stack().newKey()
      const json = { model: 'echo-1-0-0', messages: hello }
      const path = '/v1/messages/count_tokens'
      const response = await stack().fetch(path, { key: secret, json })
      expect(await response.json()).toEqual({ input_tokens: 2 })
      const job = JobId.parse(response.headers.get('x-generation-id'))
      await until(async () => (await rowOf(job)) !== undefined)
      expect(await rowOf(job)).toMatchObject({ outcome: 'done', prompt_tokens: 0 })
    })

    test('goes on from page to page, without a gap', async () => {
      const endS = startS + 3 * 3_600
      const query = { bucket_width: '1h', end_time: String(endS), limit: '2' }
      const first = await page('/admin/usage', stack().admin, query)
      expect(first).toMatchObject({ has_more: true, next_page: expect.any(String) })
      const second = await page('/admin/usage', stack().admin, {
        ...query,
        page: String(first.next_page),
      })
      expect(second).toMatchObject({ has_more: false, next_page: null })
      expect(second.data[0]?.start_time).toBe(first.data.at(-1)?.end_time)
      expect(second.data.at(-1)?.end_time).toBeGreaterThanOrEqual(endS)
    })

    test.for([
      ['start_time', { start_time: 'yesterday' }],
      ['start_time', { start_time: '1732117410000' }],
      ['end_time', { end_time: '1' }],
      ['bucket_width', { bucket_width: '2d' }],
      ['group_by', { group_by: 'colour' }],
      ['limit', { limit: '32' }],
      ['page', { page: 'page_17' }],
      ['models', { models: ',' }],
      ['user_ids', { user_ids: 'a\0' }],
    ] as const)('is not told where %s is wrong: %j', async ([param, query]) => {
      const response = await ask('/v1/usage', stack().admin, query)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param } })
    })

    test('of everybody is for admins', async () => {
      const { secret } = await stack().newKey()
      expect((await ask('/admin/usage', secret)).status).toBe(403)
      expect((await ask('/admin/usage/export', secret)).status).toBe(403)
    })
  })
}

/** Reads so many tokens of a stream, and as many as came with the last. How many that were. */
async function tokensSeen(response: Response, atLeast: number): Promise<number> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (counted(text) < atLeast) text += (await reader?.read())?.value ?? ''
  return counted(text)
}

const counted = (text: string): number => text.match(/"content":"[^"]/g)?.length ?? 0
