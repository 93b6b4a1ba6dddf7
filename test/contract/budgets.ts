import { describe, expect, test } from 'vitest'
import { AuditPage } from '../../proto/audit.ts'
import { BudgetList, BudgetView, type NewBudget } from '../../proto/budget.ts'
import type { KeyId } from '../../proto/ids.ts'
import { ChatCompletion, ChatCompletionChunk } from '../../proto/openai/chat.ts'
import { PriceView } from '../../proto/price.ts'
import { hello, oracle } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const CHAT = '/v1/chat/completions'
const long = { model: 'echo-3000-0-0', messages: hello, seed: 5 }

export function budgets(stack: () => Stack): void {
  const send = async (method: string, path: string, json: object) =>
    stack().fetch(`/admin${path}`, { method, json, key: stack().admin })
  const create = async (budget: Partial<NewBudget> & { subject: KeyId; cap: string }) =>
    BudgetView.parse(await (await send('POST', '/budgets', { unit: 'tokens', ...budget })).json())
  const read = async (id: string) => {
    const response = await stack().fetch('/admin/budgets', { key: stack().admin })
    return BudgetList.parse(await response.json()).data.find((budget) => budget.id === id)
  }

  describe('a budget', () => {
    test('with nothing left refuses, in words that no client takes for "come back soon"', async () => {
      const { id: subject, secret: key } = await stack().newKey()
      await create({ subject, cap: '0' })
      const ask = () => stack().fetch(CHAT, { key, json: { ...long, max_tokens: 1 } })
      expect(await until(async () => (await ask()).status === 429)).toBeLessThan(1_000)
      const refused = await ask()
      expect(await refused.json()).toMatchObject({
        error: { type: 'insufficient_quota', code: 'insufficient_quota', param: null },
      })
      expect(refused.headers.get('x-should-retry')).toBe('false')
      expect(refused.headers.get('retry-after')).toBeNull()
      // The official client would else have tried twice more.
      await expect(stack().openai(key).chat.completions.create(long)).rejects.toMatchObject({
        status: 429,
        code: 'insufficient_quota',
      })
    })

    test('ends an answer at the very token that it ends at', async () => {
      const { id: subject, secret: key } = await stack().newKey()
      const { id } = await create({ subject, cap: '0' })
      const ask = (json: object = {}) => stack().fetch(CHAT, { key, json: { ...long, ...json } })
      expect(await until(async () => (await ask()).status === 429)).toBeLessThan(1_000)
      await send('PATCH', `/budgets/${id}`, { cap: '1000' })
      const body = await (await askUntilLet(() => ask({ stream: true }))).text()
      expect(body).toContain('[DONE]')
      const chunks = Array.from(body.matchAll(/^data: (\{.*\})$/gm), ([, json = '']) =>
        ChatCompletionChunk.parse(JSON.parse(json)),
      )
      // Two words are two tokens of the prompt.
      const text = chunks.map(({ choices }) => choices[0]?.delta.content).join('')
      expect(text).toBe(oracle(5, 998))
      expect(chunks.at(-1)?.choices[0]).toMatchObject({
        finish_reason: 'length',
        code: 'budget_exhausted',
      })
      await until(async () => (await read(id))?.spent === '1000')
      await send('PATCH', `/budgets/${id}`, { cap: '2000' })
      const whole = ChatCompletion.parse(await (await askUntilLet(ask)).json())
      expect(whole.choices[0]).toMatchObject({ finish_reason: 'length', code: 'budget_exhausted' })
      expect(whole.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 998 })
      await until(async () => (await read(id))?.spent === '2000')
      expect((await send('DELETE', `/budgets/${id}`, {})).status).toBe(200)
      const audit = await stack().fetch(`/admin/audit?target=${id}`, { key: stack().admin })
      expect(AuditPage.parse(await audit.json()).data.map(({ action }) => action)).toEqual([
        'budget.remove',
        'budget.update',
        'budget.update',
        'budget.create',
      ])
      expect(await until(async () => (await ask({ max_tokens: 1 })).status === 200)).toBeLessThan(
        1_000,
      )
    })
  })

  test('a price is set from now on, and none is set for the past', async () => {
    const price = { model: 'a model of ours', prompt: '2500000000', completion: '10000000000' }
    const set = await send('POST', '/prices', price)
    expect(set.status).toBe(201)
    expect(PriceView.parse(await set.json())).toMatchObject({ cached: '2500000000' })
    const past = await send('POST', '/prices', { ...price, from: '2020-01-01T00:00:00Z' })
    expect(past.status).toBe(400)
    expect(await past.json()).toMatchObject({ error: { param: 'from' } })
  })
}

/** A change is heard of within a second. */
async function askUntilLet(ask: () => Promise<Response>): Promise<Response> {
  let response = await ask()
  for (const startMs = Date.now(); response.status === 429 && Date.now() - startMs < 1_000;)
    response = await ask()
  return response
}
