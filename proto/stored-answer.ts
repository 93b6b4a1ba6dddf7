import { z } from 'zod'
import { JobId } from './ids.ts'
import { JobKind, Reading } from './job.ts'

/** What any gateway must know of a job to show its answer. */
export const AnswerHead = z.object({
  id: JobId,
  kind: JobKind,
  model: z.string(),
  tenant: z.string(),
  /** Milliseconds since 1970. */
  admittedAtMs: z.int(),
  reading: Reading,
})
export type AnswerHead = z.infer<typeof AnswerHead>

/*
 *  A finished answer in ANSWERS: the head as JSON, then its frames from the first to `end`, each after its length.
 *
 *  0        4
 *  +--------+------------+--------+-------+--------+-------+--- - -
 *  | length | head, JSON | length | frame | length | frame |        lengths u32, big endian
 *  +--------+------------+--------+-------+--------+-------+--- - -
 */
const PREFIX_BYTES = 4

/** The server takes no longer message than 4 MiB, the headers included. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024 - 4_096

const utf8 = new TextEncoder()
const text = new TextDecoder()

export interface StoredAnswer {
  head: AnswerHead
  frames: Uint8Array[]
}

export function encodeAnswer(head: AnswerHead, frames: readonly Uint8Array[]): Uint8Array {
  const parts = [utf8.encode(JSON.stringify(AnswerHead.parse(head))), ...frames]
  const size = parts.reduce((sum, part) => sum + PREFIX_BYTES + part.byteLength, 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.byteLength)
    bytes.set(part, at + PREFIX_BYTES)
    at += PREFIX_BYTES + part.byteLength
  }
  return bytes
}

/** Throws where the bytes are no stored answer. */
export function decodeAnswer(bytes: Uint8Array): StoredAnswer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength;) {
    const end = at + PREFIX_BYTES + view.getUint32(at)
    if (end > bytes.byteLength) throw new RangeError('a stored answer is cut short')
    parts.push(bytes.subarray(at + PREFIX_BYTES, end))
    at = end
  }
  const [head = new Uint8Array(), ...frames] = parts
  return { head: AnswerHead.parse(JSON.parse(text.decode(head))), frames }
}
