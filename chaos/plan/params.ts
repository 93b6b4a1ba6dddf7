import { z } from 'zod'

/** Who faults are done to. */
export const Target = z.enum(['workers', 'gateways', 'broker'])
export type Target = z.infer<typeof Target>

/** All that a run is made of: the same parameters give the same plan. */
export const Params = z.object({
  seed: z.int().min(0).max(0xffff_ffff),
  streams: z.int().min(1).max(100_000),
  minutes: z
    .number()
    .positive()
    .max(24 * 60),
  workers: z.int().min(2).max(64),
  gateways: z.int().min(1).max(16),
  faults: z.array(Target),
  /** Of the streams, how many opt in to resuming: 0 to 1. */
  resumable: z.number().min(0).max(1),
  /** Off in the control run, which the checker must refuse. */
  fenced: z.boolean(),
})
export type Params = z.infer<typeof Params>
