import { sql } from 'drizzle-orm'
import type { UsageRow } from '../../proto/usage.ts'
import type { Db } from '../client.ts'

/**
 * Writes the rows that are not there yet, and adds those to their hours: however often a job is told, it counts once.
 * One statement, so one transaction; and one parameter, so one plan, however many rows. The hours are taken in order:
 * two writers that met in two of them the other way round would wait for each other.
 */
export async function writeUsage(db: Db, rows: readonly UsageRow[]): Promise<void> {
  await db.execute(sql`
    with told as (
      select * from json_to_recordset(${JSON.stringify(rows)}::json) as told (
        "job" text, "project" text, "key" text, "user" text, "model" text, "kind" text, "priority" text,
        "fromCache" boolean, "admittedAtMs" bigint, "endedAtMs" bigint, "firstTokenMs" integer, "outcome" text,
        "finish" text, "promptTokens" integer, "cachedTokens" integer, "completionTokens" integer, "gateway" text,
        "workers" json, "costNano" numeric)
    ), fresh as (
      insert into usage (job, project, key, "user", model, kind, priority, from_cache, admitted_at, ended_at,
        first_token_ms, outcome, finish, prompt_tokens, cached_tokens, completion_tokens, gateway, workers, cost_nano)
      select "job", "project", "key", "user", "model", "kind", "priority", "fromCache",
        to_timestamp("admittedAtMs" / 1000.0), to_timestamp("endedAtMs" / 1000.0), "firstTokenMs", "outcome", "finish",
        "promptTokens", "cachedTokens", "completionTokens", "gateway",
        array(select json_array_elements_text("workers")), "costNano"
      from told
      on conflict (job) do nothing
      returning *
    )
    insert into usage_hours (project, hour, key, model, "user", priority, from_cache,
      requests, prompt_tokens, cached_tokens, completion_tokens, cost_nano)
    select project, date_trunc('hour', admitted_at, 'UTC'), key, model, coalesce("user", ''), priority, from_cache,
      count(*), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), coalesce(sum(cost_nano), 0)
    from fresh
    group by 1, 2, 3, 4, 5, 6, 7
    order by 1, 2, 3, 4, 5, 6, 7
    on conflict (project, hour, key, model, "user", priority, from_cache) do update set
      requests = usage_hours.requests + excluded.requests,
      prompt_tokens = usage_hours.prompt_tokens + excluded.prompt_tokens,
      cached_tokens = usage_hours.cached_tokens + excluded.cached_tokens,
      completion_tokens = usage_hours.completion_tokens + excluded.completion_tokens,
      cost_nano = usage_hours.cost_nano + excluded.cost_nano`)
}

/** Whether the database refused what a row says, and would again; nothing it was not asked, or could not do now. */
export function isRefusal(thrown: unknown): boolean {
  for (let at = thrown; at instanceof Error; at = at.cause) {
    const code: unknown = 'code' in at ? at.code : undefined
    // Data exceptions and violated constraints: https://www.postgresql.org/docs/17/errcodes-appendix.html
    if (typeof code === 'string' && /^2[23]...$/.test(code)) return true
  }
  return false
}
