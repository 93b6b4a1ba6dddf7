import { z } from 'zod'

const limit = z.int().positive().max(1_000_000_000).nullable()

/** How much a key, a project, or a project with one model may take. `null` is no limit. */
export const Limits = z.object({
  requestsPerMinute: limit,
  /** Prompt and answer together. */
  tokensPerMinute: limit,
  /** Answers that are made at the same time. */
  concurrentStreams: limit,
  audioSecondsPerMinute: limit,
})
export type Limits = z.infer<typeof Limits>

export const UNLIMITED: Limits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrentStreams: null,
  audioSecondsPerMinute: null,
}
