import { z } from 'zod'
import { JobKind, Priority } from './job.ts'

/** What one gateway has in the queue of one model, and in its workers' hands. */
export const QueueView = z.object({
  kind: JobKind,
  queue: z.string(),
  /** In the gateway's memory: they can still be overtaken. */
  waiting: z.int(),
  /** Next, whoever comes: they lie where workers pull. At most `window` while others wait. */
  offered: z.int(),
  window: z.int(),
  running: z.int(),
  /** Of all workers. */
  slots: z.int(),
  /** Milliseconds from one job's end to the next while some wait, as measured; null before that was seen. */
  intervalMs: z.int().nullable(),
  tenants: z.array(
    z.object({
      project: z.string(),
      class: Priority,
      waiting: z.int(),
      /** Offered or running. */
      served: z.int(),
      /** Its virtual token counter: whose is smallest is next. */
      counter: z.int(),
    }),
  ),
})
export type QueueView = z.infer<typeof QueueView>

/** The queues of one gateway: each has its own. */
export const QueueList = z.object({ gateway: z.string(), data: z.array(QueueView) })
export type QueueList = z.infer<typeof QueueList>
