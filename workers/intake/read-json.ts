import type { z } from 'zod'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Answers nothing where the bytes are no JSON of that shape. Never throws: a callback of NATS must not. */
export function readJson<T extends z.ZodType>(
  schema: T,
  bytes: Uint8Array,
): z.infer<T> | undefined {
  try {
    return schema.safeParse(JSON.parse(utf8.decode(bytes))).data
  } catch {
    return undefined
  }
}
