import { z } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import {
  BucketWidth,
  GroupBy,
  WIDTHS,
  type UsageAsk,
  type UsageFilter,
} from '../../proto/usage-report.ts'
import type { Key } from '../ports.ts'

/** The year 2100: what is later is milliseconds, most likely. */
const MAX_TIME_S = 4_102_444_800
const MAX_LISTED = 100
const MAX_LISTED_CHARS = 256

const time = z.coerce.number().int().min(0).max(MAX_TIME_S, 'A time is in seconds since 1970.')
const list = z.union([z.string(), z.array(z.string())]).optional()

export const RangeQuery = z.object({
  /** Seconds since 1970, inside. */
  start_time: time,
  /** The first second that is outside; now, where it is left out. */
  end_time: time.optional(),
  models: list,
  api_key_ids: list,
  user_ids: list,
  batch: z.enum(['true', 'false']).optional(),
})

/** Lists come as `models=a&models=b`, as `models[]=a`, which is how OpenAI's clients write them, or as `models=a,b`. */
const reportFields = {
  bucket_width: BucketWidth.default('1d'),
  group_by: list,
  limit: z.coerce.number().int().min(1).optional(),
  page: z.string().max(40).optional(),
}
const adminFields = { project_ids: list, organisation_ids: list }

export const OwnReportQuery = RangeQuery.extend(reportFields).loose()
export const ReportQuery = RangeQuery.extend({ ...reportFields, ...adminFields }).loose()
export const ExportQuery = RangeQuery.extend({
  ...adminFields,
  format: z.enum(['csv', 'jsonl']).default('csv'),
}).loose()

type Range = z.infer<typeof RangeQuery>

/** Of the jobs that are asked for, those that the key may know of: of its project, or as far as an admin reaches. */
export function filterOf(key: Key, query: Range, { all }: { all: boolean }): UsageFilter {
  const filter: UsageFilter = {
    ...named('models', listed(query, 'models')),
    ...named('keys', listed(query, 'api_key_ids')),
    ...named('users', listed(query, 'user_ids')),
    ...named('projects', all ? listed(query, 'project_ids') : undefined),
    ...named('organisations', all ? listed(query, 'organisation_ids') : undefined),
    ...(query.batch === undefined ? {} : { batch: query.batch === 'true' }),
  }
  if (all && key.reach === 'deployment') return filter
  if (all && key.reach === 'organisation')
    return { ...filter, organisations: both(filter.organisations, key.organisation) }
  return { ...filter, projects: both(filter.projects, key.project) }
}

export function rangeOf(query: Range, nowMs: number): { startS: number; endS: number } {
  const startS = query.start_time
  const endS = query.end_time ?? Math.ceil(nowMs / 1000)
  if (query.end_time !== undefined && endS <= startS)
    throw new Failure('invalid', 'end_time must be later than start_time.', { param: 'end_time' })
  return { startS, endS }
}

/** One page of a report, and where the next begins. Buckets are multiples of their width: those at the edges are whole. */
export function pageOf(
  query: z.infer<typeof OwnReportQuery>,
  filter: UsageFilter,
  nowMs: number,
): UsageAsk & { nextS: number | undefined } {
  const { bucket_width: width } = query
  const { seconds, max } = WIDTHS[width]
  const { startS, endS } = rangeOf(query, nowMs)
  const limit = query.limit ?? WIDTHS[width].limit
  if (limit > max)
    throw new Failure('invalid', `limit is at most ${max} where bucket_width is ${width}.`, {
      param: 'limit',
    })
  const lastS = Math.ceil(endS / seconds) * seconds
  const fromS =
    query.page === undefined ? startS - (startS % seconds) : cursorIn(query.page, seconds)
  const toS = Math.max(fromS, Math.min(fromS + limit * seconds, lastS))
  return {
    filter,
    width,
    startS: fromS,
    endS: toS,
    groupBy: groupsIn(query),
    nextS: toS < lastS ? toS : undefined,
  }
}

export const cursorOf = (startS: number): string => `page_${startS}`

function cursorIn(page: string, seconds: number): number {
  const startS = Number(/^page_(\d{1,10})$/.exec(page)?.[1] ?? Number.NaN)
  if (startS % seconds === 0) return startS
  throw new Failure(
    'invalid',
    'page must be the next_page of another answer to the same question.',
    {
      param: 'page',
    },
  )
}

function groupsIn(query: Range): GroupBy[] {
  return (listed(query, 'group_by') ?? []).map((name) => {
    const known = GroupBy.safeParse(name)
    if (known.success) return known.data
    throw new Failure('invalid', `group_by must be of ${GroupBy.options.join(', ')}.`, {
      param: 'group_by',
    })
  })
}

function listed(query: object, name: string): string[] | undefined {
  const said = query as Record<string, string | string[] | undefined>
  const all = [said[name] ?? [], said[`${name}[]`] ?? []].flat().flatMap((part) => part.split(','))
  if (all.length === 0) return undefined
  if (all.length <= MAX_LISTED && all.every(isName)) return all
  throw new Failure(
    'invalid',
    `${name} is up to ${MAX_LISTED} names of 1 to ${MAX_LISTED_CHARS} characters, NUL not among them.`,
    { param: name },
  )
}

/** Postgres has no text with a NUL in it. */
const isName = (said: string): boolean =>
  said !== '' && said.length <= MAX_LISTED_CHARS && !said.includes('\0')

const named = <N extends string>(name: N, values: string[] | undefined) =>
  (values === undefined ? {} : { [name]: values }) as { [K in N]?: string[] }

const both = (asked: string[] | undefined, mine: string): string[] =>
  asked === undefined || asked.includes(mine) ? [mine] : []
