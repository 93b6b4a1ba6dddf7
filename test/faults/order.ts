import { z } from 'zod'

export const CHANNEL = 'june-faults'

/** What is to be done to one thread of a worker: see `inject.fixture.ts`. */
export const Order = z.object({
  thread: z.int(),
  /** `block` stops the thread's event loop, as a native call that does not return would; `exit` ends the thread. */
  action: z.enum(['block', 'exit']),
  forMs: z.int().default(0),
  /** A file: what was done is written there by the thread that it was done to. */
  proof: z.string(),
})
export type Order = z.infer<typeof Order>
