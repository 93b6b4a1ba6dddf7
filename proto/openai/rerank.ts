import { z } from 'zod'
import { MAX_INPUTS } from '../job.ts'
import { EmbeddingUsage } from './embeddings.ts'
import { EndUser } from './end-user.ts'

const Document = z.union([z.string(), z.object({ text: z.string() })], {
  error: 'A document is a text, or {"text":…}.',
})

/** Refuses before the elements are looked at. */
function few(value: unknown, context: z.core.$RefinementCtx): unknown {
  if (Array.isArray(value) && value.length > MAX_INPUTS) {
    context.addIssue({ code: 'custom', message: `At most ${MAX_INPUTS} documents are possible.` })
    return z.NEVER
  }
  return value
}

/** What `POST /v1/rerank` takes: what Jina, Cohere and those after them agree on. OpenAI has no such route. */
export const RerankRequest = z.object({
  model: z.string().min(1).max(200),
  query: z.string().min(1),
  documents: z.preprocess(few, z.array(Document).min(1).max(MAX_INPUTS)),
  /** How many of the best are told; by default all. */
  top_n: z.int().positive().nullish(),
  return_documents: z.boolean().nullish(),
  ...EndUser.shape,
})
export type RerankRequest = z.infer<typeof RerankRequest>

export const Ranking = z.object({
  id: z.string(),
  object: z.literal('list'),
  model: z.string(),
  /** The best first; documents with the same score in their own order. */
  results: z.array(
    z.object({
      /** The place of the document in the request. */
      index: z.int(),
      relevance_score: z.number(),
      document: z.object({ text: z.string() }).optional(),
    }),
  ),
  usage: EmbeddingUsage,
})
export type Ranking = z.infer<typeof Ranking>
