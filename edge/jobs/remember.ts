import { encodeAnswer } from '../../proto/stored-answer.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { headOf } from './keep-answer.ts'
import { WRITE_TIMEOUT_MS } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

/** Puts a whole answer where the same question finds it, if its project wants that. Nobody waits for it, and it may fail. */
export function remember(desk: Desk, { job, tape }: LiveJob, last: Uint8Array): void {
  const { caching, tenant } = job
  if (!caching) return
  const bytes = encodeAnswer(headOf(job), [...tape.frames, last])
  if (bytes.byteLength > caching.maxBytes) return
  desk.store
    .put(subjects.cached(tenant, caching.hash), bytes, { timeoutMs: WRITE_TIMEOUT_MS })
    .then(
      () => desk.counts.remembered++,
      (cause: unknown) => desk.log.warn({ job: job.id, cause }, 'an answer could not be cached'),
    )
}
