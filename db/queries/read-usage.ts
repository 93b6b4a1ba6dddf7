import { and, asc, gte, inArray, lt, sql, type SQL } from 'drizzle-orm'
import type { JobId } from '../../proto/ids.ts'
import type { UsageRow } from '../../proto/usage.ts'
import {
  MAX_RESULTS,
  WIDTHS,
  type GroupBy,
  type RowsAsk,
  type UsageAsk,
  type UsageFilter,
  type UsageSum,
} from '../../proto/usage-report.ts'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { OrganisationId } from '../../proto/ids.ts'
import type { Db } from '../client.ts'
import { projects } from '../schema/projects.ts'
import { usage, usageHours } from '../schema/usage.ts'

/** Minutes are added up from the jobs themselves; hours and days were added up as they were written. */
export async function sumUsage(db: Db, ask: UsageAsk): Promise<UsageSum[]> {
  const { seconds } = WIDTHS[ask.width]
  const minutes = ask.width === '1m'
  const of = minutes ? usage : usageHours
  const time = minutes ? usage.admittedAt : usageHours.hour
  const start = sql<number>`(floor(extract(epoch from ${time}) / ${sql.raw(String(seconds))}) * ${sql.raw(String(seconds))})::float8`
  const columns = groups(of)
  const by = [...new Set(ask.groupBy)]
  const selected = Object.fromEntries(
    (Object.keys(columns) as GroupBy[]).map((name) => [
      name,
      by.includes(name) ? columns[name] : sql`null`,
    ]),
  ) as Record<GroupBy, SQL>
  const rows = await db
    .select({
      startS: start,
      requests: minutes ? sql<number>`count(*)::float8` : total(usageHours.requests),
      promptTokens: total(of.promptTokens),
      cachedTokens: total(of.cachedTokens),
      completionTokens: total(of.completionTokens),
      costNano: sql<string>`coalesce(sum(${of.costNano}), 0)::text`,
      ...selected,
    })
    .from(of)
    .where(
      and(
        gte(time, new Date(ask.startS * 1000)),
        lt(time, new Date(ask.endS * 1000)),
        ...only(of, ask.filter),
      ),
    )
    // By their numbers: the time, and what was asked for of those after the sums.
    .groupBy(
      sql.raw(
        ['1', ...by.map((name) => String(Object.keys(columns).indexOf(name) + 7))].join(', '),
      ),
    )
    .orderBy(sql.raw('1, 2 desc'))
    .limit(MAX_RESULTS + 1)
  return rows as UsageSum[]
}

/** Jobs in the order of their admission, so many at a time: an export is many short questions, and no long one. */
export async function usageRows(db: Db, ask: RowsAsk): Promise<UsageRow[]> {
  const { after } = ask
  const rows = await db
    .select()
    .from(usage)
    .where(
      and(
        gte(usage.admittedAt, new Date(ask.startS * 1000)),
        lt(usage.admittedAt, new Date(ask.endS * 1000)),
        after &&
          sql`(${usage.admittedAt}, ${usage.job}) > (${new Date(after.admittedAtMs).toISOString()}::timestamptz, ${after.job as JobId})`,
        ...only(usage, ask.filter),
      ),
    )
    .orderBy(asc(usage.admittedAt), asc(usage.job))
    .limit(ask.limit)
  return rows.map(({ admittedAt, endedAt, finish, ...row }) => ({
    ...row,
    finish: finish as UsageRow['finish'],
    admittedAtMs: admittedAt.getTime(),
    endedAtMs: endedAt.getTime(),
  }))
}

type Counted = typeof usage | typeof usageHours

const total = (column: AnyPgColumn): SQL<number> => sql`coalesce(sum(${column}), 0)::float8`

const groups = (of: Counted): Record<GroupBy, SQL> => ({
  project_id: sql`${of.project}`,
  user_id: sql`nullif(${of.user}, '')`,
  api_key_id: sql`${of.key}`,
  model: sql`${of.model}`,
  batch: sql`${of.priority} = 'batch'`,
  priority: sql`${of.priority}`,
  from_cache: sql`${of.fromCache}`,
})

function only(of: Counted, filter: UsageFilter): (SQL | undefined)[] {
  const { organisations, batch } = filter
  const ofOrganisations =
    organisations &&
    sql`${of.project} in (select ${projects.id} from ${projects} where ${inArray(projects.organisation, organisations as OrganisationId[])})`
  return [
    filter.projects && inArray(of.project, filter.projects),
    ofOrganisations,
    filter.models && inArray(of.model, filter.models),
    filter.keys && inArray(of.key, filter.keys),
    filter.users && inArray(of.user, filter.users),
    batch === undefined ? undefined : sql`(${of.priority} = 'batch') = ${batch}`,
  ]
}
