import { z } from 'zod'
import { MAX_SCHEMA_CHARS, type Format } from '../format.ts'
import { readSchema } from '../schema/read-schema.ts'
import { BadSchema } from '../schema/shape.ts'

/** A schema that answers are held to, and its name. */
export const JsonSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, {
    error: 'It must be 1-64 of a-z, A-Z, 0-9, "_" and "-".',
  }),
  description: z.string().nullish(),
  schema: z.unknown().superRefine((schema, context) => {
    try {
      textOf(schema)
      readSchema(schema)
    } catch (thrown) {
      if (!(thrown instanceof BadSchema)) throw thrown
      context.addIssue({ code: 'custom', path: [...thrown.path], message: thrown.message })
    }
  }),
  /** An answer keeps to its schema whatever this says, and optional properties are possible either way. */
  strict: z.boolean().nullish(),
})

/** What an answer must be. A schema that cannot be kept to the letter is refused at the place that cannot. */
export const ResponseFormat = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('json_object') }),
    z.strictObject({ type: z.literal('json_schema'), json_schema: JsonSchema }),
  ],
  { error: 'It must be {"type":"text"}, {"type":"json_object"} or {"type":"json_schema",…}.' },
)
export type ResponseFormat = z.infer<typeof ResponseFormat>

/** What a job says of it; nothing where any text will do. */
export function formatOf(asked: ResponseFormat | null | undefined): Format | undefined {
  if (asked?.type === 'json_object') return { kind: 'json' }
  if (asked?.type === 'json_schema')
    return { kind: 'schema', schema: textOf(asked.json_schema.schema) }
  return undefined
}

function textOf(schema: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(schema)
  } catch {
    throw new BadSchema([], 'It is nested too deeply.')
  }
  if (text === undefined) throw new BadSchema([], 'It is missing.')
  if (text.length <= MAX_SCHEMA_CHARS) return text
  throw new BadSchema([], `A schema has at most ${MAX_SCHEMA_CHARS} characters as JSON.`)
}
