import { z } from 'zod'
import { Failure, FailureBody } from './failure.ts'

/** How an answer ended. */
export const Finish = z.enum(['stop', 'length'])
export type Finish = z.infer<typeof Finish>

/** The money or the tokens that the caller may spend were used up, at this very token. */
export const EndCode = z.literal('budget_exhausted')
export type EndCode = z.infer<typeof EndCode>

export const End = z.object({
  finish: Finish,
  /** The stop string that ended it, where one did. */
  stop: z.string().optional(),
  /** Why, where a caller must know more: a gateway says it, no engine does. */
  code: EndCode.optional(),
  promptTokens: z.int().nonnegative(),
  /** Prompt tokens that a warm slot already held. */
  cachedTokens: z.int().nonnegative(),
})
export type End = z.infer<typeof End>

/** What an engine makes. `end` comes once, last, and only if the job went well. */
export type Output =
  /**
   * Tokens that came together. `texts[i]` is what token i made visible: held-back bytes come with a later one. Where the
   * job asks how likely each token was, `scores[i]` says it of token i, as `encodeScore` writes it.
   */
  | {
      kind: 'tokens'
      ids: readonly number[]
      texts: readonly string[]
      scores?: readonly Uint8Array[]
    }
  /** One block of audio or other bytes. */
  | { kind: 'bytes'; bytes: Uint8Array }
  /** Prefill goes on: `done` of `total` prompt tokens. It proves that the job lives. */
  | { kind: 'progress'; done: number; total: number }
  /** What the prompt is, once it is known: before the first token. What is said first of a job stands. */
  | { kind: 'prompt'; promptTokens: number; cachedTokens: number }
  /** Input blocks below `through` are final in what was emitted: nobody needs them again. */
  | { kind: 'consumed'; through: number }
  | ({ kind: 'end' } & End)

export type FrameBody = Output | { kind: 'failed'; failure: FailureBody }
export type FrameKind = FrameBody['kind']

/** `seq` is the position of the first token (or block) in the answer, `count` how many it carries. */
export type Frame = { epoch: number; seq: number; count: number } & FrameBody

/*
 *  0      1      2        6      10      12
 *  +------+------+--------+------+-------+------------- - -
 *  | 0x01 | kind | epoch  | seq  | count | payload          all integers big endian
 *  +------+------+--------+------+-------+------------- - -
 *  0 tokens    count x { id u32, text bytes u16 }, then the texts, UTF-8
 *  1 bytes     the block
 *  2 progress  done u32, total u32
 *  3 consumed  through u32
 *  4 end       JSON End
 *  5 failed    JSON FailureBody
 *  6 tokens    as 0, and then count x { bytes u16, score }, see score.ts
 *  7 prompt    promptTokens u32, cachedTokens u32
 */
const VERSION = 1
export const FRAME_HEADER_BYTES = 12
const KINDS = [
  'tokens',
  'bytes',
  'progress',
  'consumed',
  'end',
  'failed',
  'tokens',
  'prompt',
] as const satisfies FrameKind[]
/** Tokens with their scores. For everyone but a reader they are tokens like others. */
const SCORED = 6
const TOKEN_BYTES = 6
const SCORE_SIZE_BYTES = 2

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The part of a frame that the fence reads, without touching the payload. */
export interface FrameHead {
  kind: FrameKind
  epoch: number
  seq: number
  count: number
}

/** Answers nothing where the bytes are no frame: a status message, an empty body, another version. Never throws. */
export function frameHead(bytes: Uint8Array): FrameHead | undefined {
  if (bytes.byteLength < FRAME_HEADER_BYTES || bytes[0] !== VERSION) return undefined
  const kind = KINDS[bytes[1] ?? KINDS.length]
  if (kind === undefined) return undefined
  const count = (byteAt(bytes, 10) << 8) | byteAt(bytes, 11)
  if (!isPossible(kind, count, bytes)) return undefined
  return { kind, epoch: u32(bytes, 2), seq: u32(bytes, 6), count }
}

export function encodeFrame(epoch: number, seq: number, body: FrameBody): Uint8Array<ArrayBuffer> {
  const payload = encodePayload(body)
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, body.kind === 'tokens' && body.scores ? SCORED : KINDS.indexOf(body.kind))
  view.setUint32(2, epoch)
  view.setUint32(6, seq)
  view.setUint16(10, countOf(body))
  bytes.set(payload, FRAME_HEADER_BYTES)
  return bytes
}

/** The whole frame. Throws a `Failure` where the bytes are none; `frameHead` is the gate for strangers' bytes. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const head = frameHead(bytes)
  if (!head) throw new Failure('internal', 'A frame could not be read.')
  const { epoch, seq, count } = head
  return { epoch, seq, count, ...decodePayload(head, bytes) }
}

/**
 * Whether a tokens frame holds exactly what it says, each of its texts whole UTF-8: what a gateway asks once of what it
 * takes from a worker, so that nobody who reads it later has to.
 */
export function isWhole(bytes: Uint8Array, count: number): boolean {
  const start = FRAME_HEADER_BYTES + count * TOKEN_BYTES
  let end = start
  for (let i = 0; i < count; i++) {
    // No text begins in the middle of a character.
    if ((byteAt(bytes, end) & 0xc0) === 0x80 && lengthOf(bytes, i) > 0) return false
    end += lengthOf(bytes, i)
  }
  let after = end
  if (isScored(bytes)) for (let i = 0; i < count; i++) after += SCORE_SIZE_BYTES + u16(bytes, after)
  return after === bytes.byteLength && isUtf8(bytes, start, end)
}

const lengthOf = (bytes: Uint8Array, token: number): number =>
  u16(bytes, FRAME_HEADER_BYTES + token * TOKEN_BYTES + 4)

/** Nearly always ASCII, which costs a look at each byte. */
function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end && byteAt(bytes, at) < 0x80) at++
  if (at === end) return true
  try {
    text.decode(bytes.subarray(at, end))
    return true
  } catch {
    return false
  }
}

/** The text of a tokens frame from its token `skip` on: what a reader is shown. */
export function textOf(bytes: Uint8Array, count: number, skip = 0): string {
  const start = textEnd(bytes, count, skip)
  return text.decode(
    isScored(bytes) ? bytes.subarray(start, textEnd(bytes, count, count)) : bytes.subarray(start),
  )
}

/** The scores of a tokens frame, one a token, as `decodeScore` reads them; none where nobody asked for them. */
export function scoresOf(bytes: Uint8Array, count: number): Uint8Array[] {
  if (!isScored(bytes)) return []
  const scores: Uint8Array[] = []
  let at = textEnd(bytes, count, count)
  for (let i = 0; i < count; i++) {
    const start = at + SCORE_SIZE_BYTES
    at = start + u16(bytes, at)
    scores.push(bytes.subarray(start, at))
  }
  return scores
}

/** The token ids of a tokens frame. */
export function idsOf(bytes: Uint8Array, count: number): number[] {
  const ids: number[] = []
  for (let i = 0; i < count; i++) ids.push(u32(bytes, textsAt(i)))
  return ids
}

/**
 * The frame without its first `skip` tokens: what a reader still lacks who has those. A block is one piece and is
 * never cut, nor is a frame that takes no position. `skip` is less than the frame's count.
 */
export function cutFrame(bytes: Uint8Array, skip: number): Uint8Array {
  const head = frameHead(bytes)
  if (skip <= 0 || head?.kind !== 'tokens') return bytes
  const { count, seq } = head
  if (skip >= count) throw new RangeError(`Cannot cut ${skip} of ${count} tokens.`)
  const scores = textEnd(bytes, count, count)
  let scoreFrom = scores
  if (isScored(bytes))
    for (let i = 0; i < skip; i++) scoreFrom += SCORE_SIZE_BYTES + u16(bytes, scoreFrom)
  const kept = [
    bytes.subarray(0, FRAME_HEADER_BYTES),
    bytes.subarray(textsAt(skip), textsAt(count)),
    bytes.subarray(textEnd(bytes, count, skip), scores),
    bytes.subarray(scoreFrom),
  ]
  const cut = new Uint8Array(kept.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of kept) {
    cut.set(part, at)
    at += part.byteLength
  }
  const view = new DataView(cut.buffer)
  view.setUint32(6, seq + skip)
  view.setUint16(10, count - skip)
  return cut
}

const textsAt = (count: number): number => FRAME_HEADER_BYTES + count * TOKEN_BYTES
/** How long the text of token `i` is. */
const textBytes = (bytes: Uint8Array, i: number): number => u16(bytes, textsAt(i) + 4)
/** Where the texts of the first `tokens` tokens end. */
function textEnd(bytes: Uint8Array, count: number, tokens: number): number {
  let end = textsAt(count)
  for (let i = 0; i < tokens; i++) end += textBytes(bytes, i)
  return end
}
const isScored = (bytes: Uint8Array): boolean => bytes[1] === SCORED

const countOf = (body: FrameBody): number =>
  body.kind === 'tokens' ? body.ids.length : body.kind === 'bytes' ? 1 : 0

function encodePayload(body: FrameBody): Uint8Array {
  switch (body.kind) {
    case 'tokens':
      return encodeTokens(body.ids, body.texts, body.scores)
    case 'bytes':
      return body.bytes
    case 'progress':
      return words(body.done, body.total)
    case 'prompt':
      return words(body.promptTokens, body.cachedTokens)
    case 'consumed':
      return words(body.through)
    case 'end':
      return utf8.encode(JSON.stringify(End.parse(body)))
    case 'failed':
      return utf8.encode(JSON.stringify(body.failure))
  }
}

function decodePayload(head: FrameHead, bytes: Uint8Array): FrameBody {
  const payload = bytes.subarray(FRAME_HEADER_BYTES)
  try {
    switch (head.kind) {
      case 'tokens':
        return tokensOf(bytes, head.count)
      case 'bytes':
        return { kind: 'bytes', bytes: payload }
      case 'progress':
        return { kind: 'progress', done: u32(payload, 0), total: u32(payload, 4) }
      case 'prompt':
        return { kind: 'prompt', promptTokens: u32(payload, 0), cachedTokens: u32(payload, 4) }
      case 'consumed':
        return { kind: 'consumed', through: u32(payload, 0) }
      case 'end':
        return { kind: 'end', ...End.parse(JSON.parse(text.decode(payload))) }
      case 'failed':
        return { kind: 'failed', failure: FailureBody.parse(JSON.parse(text.decode(payload))) }
    }
  } catch (cause) {
    throw new Failure('internal', 'A frame could not be read.', { cause })
  }
}

function encodeTokens(
  ids: readonly number[],
  texts: readonly string[],
  scores: readonly Uint8Array[] | undefined,
): Uint8Array {
  const parts = ids.map((_, i) => utf8.encode(texts[i] ?? ''))
  const told = scores ? ids.map((_, i) => scores[i] ?? new Uint8Array()) : []
  const size =
    ids.length * TOKEN_BYTES +
    parts.reduce((sum, part) => sum + part.byteLength, 0) +
    told.reduce((sum, score) => sum + SCORE_SIZE_BYTES + score.byteLength, 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = ids.length * TOKEN_BYTES
  for (const [i, part] of parts.entries()) {
    view.setUint32(i * TOKEN_BYTES, ids[i] ?? 0)
    view.setUint16(i * TOKEN_BYTES + 4, sayable(part).byteLength)
    bytes.set(part, at)
    at += part.byteLength
  }
  for (const score of told) {
    view.setUint16(at, sayable(score).byteLength)
    bytes.set(score, at + SCORE_SIZE_BYTES)
    at += SCORE_SIZE_BYTES + score.byteLength
  }
  return bytes
}

/** Fits the 16 bits of its length, or throws. */
function sayable(part: Uint8Array): Uint8Array {
  if (part.byteLength <= 0xffff) return part
  throw new Failure('engine_failed', 'One token made more text than a frame can say.')
}

function tokensOf(bytes: Uint8Array, count: number): FrameBody {
  const ids = idsOf(bytes, count)
  const texts = textsOf(bytes, count)
  if (!isScored(bytes)) return { kind: 'tokens', ids, texts }
  return { kind: 'tokens', ids, texts, scores: scoresOf(bytes, count) }
}

function textsOf(bytes: Uint8Array, count: number): string[] {
  const texts: string[] = []
  let at = textsAt(count)
  for (let i = 0; i < count; i++) {
    const end = at + textBytes(bytes, i)
    texts.push(text.decode(bytes.subarray(at, end)))
    at = end
  }
  return texts
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => view.setUint32(i * 4, value))
  return bytes
}

/** Tokens come with an id each, a block by itself, and nothing else takes a position. */
function isPossible(kind: FrameKind, count: number, bytes: Uint8Array): boolean {
  if (kind !== 'tokens') return count === (kind === 'bytes' ? 1 : 0)
  const least = TOKEN_BYTES + (isScored(bytes) ? SCORE_SIZE_BYTES : 0)
  return count > 0 && bytes.byteLength >= FRAME_HEADER_BYTES + count * least
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0
const u16 = (bytes: Uint8Array, at: number): number =>
  (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1)
const u32 = (bytes: Uint8Array, at: number): number =>
  u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2)
