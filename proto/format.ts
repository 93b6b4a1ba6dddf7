import { z } from 'zod'

export const MAX_SCHEMA_CHARS = 64 * 1024

/** What an answer is held to while it is made. */
export const Format = z.discriminatedUnion('kind', [
  /** Some JSON object. */
  z.object({ kind: z.literal('json') }),
  /** A value of this JSON schema, which is here as text: what strangers nest is not walked on every hop. */
  z.object({ kind: z.literal('schema'), schema: z.string().max(MAX_SCHEMA_CHARS) }),
])
export type Format = z.infer<typeof Format>
