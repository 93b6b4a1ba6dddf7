import { AckPolicy, DeliverPolicy, jetstream } from '@nats-io/jetstream'
import { nanos } from '@nats-io/nats-core'
import type { FrameHead } from '../../proto/frame.ts'
import { JobId, newNonce } from '../../proto/ids.ts'
import type { Span } from '../../proto/ledger.ts'
import { FRAMES, partOf, subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'

/** Subjects that one consumer is asked to filter by. */
const JOBS_AT_ONCE = 100
const BATCH = 1_000
const EXPIRES_MS = 2_000

/** The frames of jobs as FRAMES has them, in the order in which they came. Through one consumer, which is deleted after. */
export async function replay(
  desk: Desk,
  ids: readonly JobId[],
  each: (id: JobId, subject: string, bytes: Uint8Array) => void,
): Promise<void> {
  for (let at = 0; at < ids.length; at += JOBS_AT_ONCE) {
    const filter_subjects = ids.slice(at, at + JOBS_AT_ONCE).map((id) => subjects.outOf(id))
    const info = await desk.jsm.consumers.add(FRAMES, {
      name: `replay-${desk.gateway}-${newNonce()}`,
      filter_subjects,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      mem_storage: true,
      inactive_threshold: nanos(10 * EXPIRES_MS),
    })
    try {
      const consumer = jetstream(desk.nc).consumers.getConsumerFromInfo(info)
      for (let left = info.num_pending; left > 0;) {
        const batch = await consumer.fetch({
          max_messages: Math.min(left, BATCH),
          expires: EXPIRES_MS,
        })
        let got = 0
        for await (const message of batch) {
          got++
          const id = JobId.safeParse(partOf(message.subject, 2))
          if (id.success) each(id.data, message.subject, message.data)
        }
        // What was counted may have aged away since.
        if (got === 0) break
        left -= got
      }
    } finally {
      await desk.jsm.consumers.delete(FRAMES, info.name).catch(() => undefined)
    }
  }
}

/** Whether a frame is of the epoch that held its position: FRAMES has the frames of zombies too. */
export function isOfItsSpan(spans: readonly Span[], head: FrameHead, worker: string): boolean {
  const i = spans.findIndex(({ epoch }) => epoch === head.epoch)
  const span = spans[i]
  if (!span || span.worker !== worker || head.seq < span.from) return false
  // A job that ran again from an earlier position has taken back what lay beyond it.
  const end = Math.min(Number.POSITIVE_INFINITY, ...spans.slice(i + 1).map(({ from }) => from))
  return head.seq < end
}
