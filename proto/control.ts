import { z } from 'zod'
import { JobId } from './ids.ts'

const claimed = { job: JobId, epoch: z.int().positive(), secret: z.string() }

/** What a gateway tells a worker on `ctl.<worker>`. `credit` is absolute, so a lost or repeated one does no harm. */
export const Control = z.discriminatedUnion('type', [
  z.object({ type: z.literal('credit'), ...claimed, upTo: z.int().nonnegative() }),
  z.object({ type: z.literal('cancel'), ...claimed }),
])
export type Control = z.infer<typeof Control>
