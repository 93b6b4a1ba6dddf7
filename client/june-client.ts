import type { z } from 'zod'
import { BudgetList, BudgetView, type NewBudget } from '../proto/budget.ts'
import { Failure } from '../proto/failure.ts'
import { QueueList } from '../proto/queues.ts'
import { ErrorBody } from '../proto/openai/error.ts'
import { PriceList, PriceView, type NewPrice } from '../proto/price.ts'
import { ProjectView } from '../proto/organisations.ts'
import type { ResponseCache } from '../proto/response-cache.ts'
import { UsagePage, type UsageBucket } from '../proto/usage-report.ts'
import { TenancyClient } from './tenancy-client.ts'

export interface JuneClientOptions {
  /** Where the gateway is: `http://127.0.0.1:8000`. */
  url: string
  key: string
}

/** Of `/admin/usage`, by its own names; a list is several of one name. */
export type UsageQuery = Record<string, string | readonly string[]>

const searchOf = (query: UsageQuery): string =>
  new URLSearchParams(
    Object.entries(query).flatMap(([name, values]) => [values].flat().map((one) => [name, one])),
  ).toString()

/** What a gateway answered when it did not do what it was asked. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string | null

  constructor(status: number, body: z.infer<typeof ErrorBody>['error']) {
    super(body.message)
    this.status = status
    this.code = body.code
  }
}

/** A gateway, as every program for people speaks to it. */
export class JuneClient {
  readonly #url: string
  readonly #key: string
  readonly tenancy = new TenancyClient((...call) => this.#call(...call))

  constructor({ url, key }: JuneClientOptions) {
    this.#url = url.replace(/\/+$/, '')
    this.#key = key
  }

  setPrice(price: z.input<typeof NewPrice>): Promise<PriceView> {
    return this.#call(PriceView, 'POST', '/admin/prices', price)
  }

  async listPrices(): Promise<PriceView[]> {
    return (await this.#call(PriceList, 'GET', '/admin/prices')).data
  }

  createBudget(budget: z.input<typeof NewBudget>): Promise<BudgetView> {
    return this.#call(BudgetView, 'POST', '/admin/budgets', budget)
  }

  async listBudgets(): Promise<BudgetView[]> {
    return (await this.#call(BudgetList, 'GET', '/admin/budgets')).data
  }

  setCap(id: string, cap: string): Promise<BudgetView> {
    return this.#call(BudgetView, 'PATCH', `/admin/budgets/${encodeURIComponent(id)}`, { cap })
  }

  removeBudget(id: string): Promise<BudgetView> {
    return this.#call(BudgetView, 'DELETE', `/admin/budgets/${encodeURIComponent(id)}`)
  }

  /** Where it is null, the answers of a project are not given again any more. */
  setCache(project: string, cache: z.input<typeof ResponseCache> | null): Promise<ProjectView> {
    const path = `/admin/projects/${encodeURIComponent(project)}`
    return this.#call(ProjectView, 'PATCH', path, { cache })
  }

  /** All buckets of a question, from page to page. */
  async usage(query: UsageQuery): Promise<UsageBucket[]> {
    const buckets: UsageBucket[] = []
    let page: string | null = null
    do {
      const asked = searchOf({ ...query, ...(page === null ? {} : { page }) })
      const got: UsagePage = await this.#call(UsagePage, 'GET', `/admin/usage?${asked}`)
      buckets.push(...got.data)
      page = got.next_page
    } while (page !== null)
    return buckets
  }

  /** The jobs themselves, as a file that comes piece by piece. */
  async exportUsage(query: UsageQuery & { format: 'csv' | 'jsonl' }): Promise<Response> {
    return this.#ask(`/admin/usage/export?${searchOf(query)}`)
  }

  queues(): Promise<QueueList> {
    return this.#call(QueueList, 'GET', '/admin/queues')
  }

  async #call<S extends z.ZodType>(
    schema: S,
    method: string,
    path: string,
    ...body: [unknown?]
  ): Promise<z.infer<S>> {
    const response = await this.#ask(path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body.length > 0 ? { body: JSON.stringify(body[0]) } : {}),
    })
    return schema.parse(await response.json())
  }

  /** An answer that is well. */
  async #ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${this.#key}`)
    const response = await this.#fetch(path, { ...init, headers })
    if (response.ok) return response
    const refused = ErrorBody.safeParse(await response.json().catch(() => undefined))
    const message = `${this.#url} answered ${response.status} without an error body: is it a June gateway?`
    throw new Refused(
      response.status,
      refused.success ? refused.data.error : { message, type: 'unknown', param: null, code: null },
    )
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(this.#url + path, init)
    } catch (cause) {
      throw new Failure(
        'unavailable',
        `Nothing answers at ${this.#url}. Is June running? Start it with "npm start".`,
        {
          cause,
        },
      )
    }
  }
}
