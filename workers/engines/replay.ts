import { z } from 'zod'

/**
 * How a worker that takes an answer over reads the tokens that others emitted: in batches, like a prompt, which is fast
 * and rounds differently than drawing them did, or one by one as they were drawn, with nothing reused that was.
 */
export const Replay = z.enum(['prefill', 'one-by-one'])
export type Replay = z.infer<typeof Replay>
