import { z } from 'zod'

/** How wide a bucket is, in seconds; how many a page has, and may have. The numbers are OpenAI's. */
export const WIDTHS = {
  '1m': { seconds: 60, limit: 60, max: 1440 },
  '1h': { seconds: 3_600, limit: 24, max: 168 },
  '1d': { seconds: 86_400, limit: 7, max: 31 },
} as const

export const BucketWidth = z.enum(['1m', '1h', '1d'])
export type BucketWidth = z.infer<typeof BucketWidth>

/** What usage can be told apart by. The first five are OpenAI's names. */
export const GroupBy = z.enum([
  'project_id',
  'user_id',
  'api_key_id',
  'model',
  'batch',
  'priority',
  'from_cache',
])
export type GroupBy = z.infer<typeof GroupBy>

/** Rows that a report may have in all of its buckets together. */
export const MAX_RESULTS = 10_000

/** What was used, for one group of one bucket. A field that was not grouped by is `null`, as OpenAI has it. */
export const UsageResult = z.object({
  object: z.literal('organization.usage.completions.result'),
  input_tokens: z.int(),
  input_cached_tokens: z.int(),
  output_tokens: z.int(),
  num_model_requests: z.int(),
  /** In 1e-9 of the operator's currency, as digits: it may be more than a number holds. */
  cost_nano: z.string(),
  project_id: z.string().nullable(),
  user_id: z.string().nullable(),
  api_key_id: z.string().nullable(),
  model: z.string().nullable(),
  batch: z.boolean().nullable(),
  priority: z.string().nullable(),
  from_cache: z.boolean().nullable(),
  service_tier: z.null(),
})
export type UsageResult = z.infer<typeof UsageResult>

/** Times are seconds since 1970; the end is the first that is outside. */
export const UsageBucket = z.object({
  object: z.literal('bucket'),
  start_time: z.int(),
  end_time: z.int(),
  results: z.array(UsageResult),
})
export type UsageBucket = z.infer<typeof UsageBucket>

/** OpenAI's usage page: its buckets are multiples of the width since 1970, so a day is a day of UTC. */
export const UsagePage = z.object({
  object: z.literal('page'),
  data: z.array(UsageBucket),
  has_more: z.boolean(),
  next_page: z.string().nullable(),
})
export type UsagePage = z.infer<typeof UsagePage>

/** Which jobs are meant. A list that is absent is no bound. */
export const UsageFilter = z.object({
  projects: z.array(z.string()).optional(),
  organisations: z.array(z.string()).optional(),
  models: z.array(z.string()).optional(),
  keys: z.array(z.string()).optional(),
  users: z.array(z.string()).optional(),
  batch: z.boolean().optional(),
})
export type UsageFilter = z.infer<typeof UsageFilter>

/** Jobs admitted from `startS` until before `endS`, both multiples of the width, in seconds since 1970. */
export interface UsageAsk {
  filter: UsageFilter
  width: BucketWidth
  startS: number
  endS: number
  groupBy: readonly GroupBy[]
}

/** One group of one bucket, as it was added up. */
export interface UsageSum extends Record<GroupBy, unknown> {
  startS: number
  requests: number
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  costNano: string
  project_id: string | null
  user_id: string | null
  api_key_id: string | null
  model: string | null
  batch: boolean | null
  priority: string | null
  from_cache: boolean | null
}

/** Where an export goes on: after this job, which was admitted then. */
export interface UsageCursor {
  admittedAtMs: number
  job: string
}

export interface RowsAsk {
  filter: UsageFilter
  startS: number
  endS: number
  after: UsageCursor | undefined
  limit: number
}
