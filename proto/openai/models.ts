import { z } from 'zod'
import { JobKind } from '../job.ts'

export const Model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  /** What it does; OpenAI says no such thing. */
  kind: JobKind,
})
export type Model = z.infer<typeof Model>

export const ModelList = z.object({ object: z.literal('list'), data: z.array(Model) })
