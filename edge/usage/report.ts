import { Failure } from '../../proto/failure.ts'
import {
  MAX_RESULTS,
  WIDTHS,
  type UsageAsk,
  type UsageBucket,
  type UsagePage,
  type UsageResult,
  type UsageSum,
} from '../../proto/usage-report.ts'
import type { UsageBook } from '../ports.ts'
import { cursorOf } from './ask.ts'

/** A page as OpenAI shapes it: a bucket in which nothing was used is there, and empty. */
export async function reportOf(
  book: UsageBook,
  { nextS, ...ask }: UsageAsk & { nextS: number | undefined },
): Promise<UsagePage> {
  const sums = await book.sums(ask)
  if (sums.length > MAX_RESULTS)
    throw new Failure(
      'invalid',
      `That is more than ${MAX_RESULTS} results. Ask for fewer buckets with limit, or group by less.`,
      { param: 'group_by' },
    )
  const { seconds } = WIDTHS[ask.width]
  const buckets = new Map<number, UsageBucket>()
  for (let at = ask.startS; at < ask.endS; at += seconds)
    buckets.set(at, { object: 'bucket', start_time: at, end_time: at + seconds, results: [] })
  for (const sum of sums) buckets.get(sum.startS)?.results.push(resultOf(sum))
  return {
    object: 'page',
    data: [...buckets.values()],
    has_more: nextS !== undefined,
    next_page: nextS === undefined ? null : cursorOf(nextS),
  }
}

const resultOf = (sum: UsageSum): UsageResult => ({
  object: 'organization.usage.completions.result',
  input_tokens: sum.promptTokens,
  input_cached_tokens: sum.cachedTokens,
  output_tokens: sum.completionTokens,
  num_model_requests: sum.requests,
  cost_nano: sum.costNano,
  project_id: sum.project_id,
  user_id: sum.user_id,
  api_key_id: sum.api_key_id,
  model: sum.model,
  batch: sum.batch,
  priority: sum.priority,
  from_cache: sum.from_cache,
  service_tier: null,
})
