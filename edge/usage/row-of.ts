import type { JobId } from '../../proto/ids.ts'
import type { Final } from '../../proto/ledger.ts'
import type { UsageRow } from '../../proto/usage.ts'

/** A job as it is counted. A job that ended before anybody computed it is one too, and its tokens are none. */
export const rowOf = (job: JobId, final: Final, endedAtMs: number): UsageRow => ({
  job,
  project: text(final.tenant),
  key: text(final.key),
  user: final.user === undefined ? null : text(final.user),
  model: text(final.model),
  kind: final.kind,
  priority: final.priority,
  fromCache: final.fromCache ?? false,
  admittedAtMs: final.admittedAtMs,
  endedAtMs,
  firstTokenMs: final.firstTokenMs ?? null,
  outcome: final.outcome,
  finish: final.finish,
  ...final.usage,
  gateway: final.gateway,
  workers: [...new Set(final.spans.map(({ worker }) => worker))],
  costNano: final.cost ?? null,
})

/** Postgres has no text with this character or half a surrogate pair in it, and would refuse the whole batch for it. */
const text = (said: string): string => said.replaceAll('\0', '').toWellFormed()

/** The same job without the caller's words, should a database refuse those: its tokens are counted all the same. */
export const bareRowOf = (row: UsageRow): UsageRow => ({
  ...row,
  project: plain(row.project),
  key: plain(row.key),
  user: null,
  model: plain(row.model),
})

const plain = (said: string): string => said.replaceAll(/[^ -~]/g, '')
