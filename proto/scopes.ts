import { z } from 'zod'

/** The families of routes that a key may be held to. A key that names none may use all of them. */
export const RouteFamily = z.enum([
  'chat',
  'completions',
  'responses',
  'messages',
  'embeddings',
  'rerank',
  'moderations',
  'audio',
  'models',
  'files',
  'batches',
  'usage',
  'client_tokens',
])
export type RouteFamily = z.infer<typeof RouteFamily>

/** One model, by its id. */
export const ModelName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'A model has no control characters.')

/** An exact name, or the beginning of one: `qwen3-*`. */
export const ModelPattern = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\s*]*\*?$/u, 'A model is an exact name, or the beginning of one and a "*".')

export const matchesModel = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern
