import type { FailureBody } from '../../proto/failure.ts'
import { encodeFrame, type FrameBody, type Output } from '../../proto/frame.ts'
import type { Counts } from './counts.ts'

const MAX_TOKENS = 512
const MAX_BYTES = 128 * 1024
/** A token's place in the head of a frame, and the most bytes that a UTF-16 unit becomes. */
const TOKEN_BYTES = 6
const UNIT_BYTES = 3

/** Numbers the outputs of one run, and sends what came together as one frame. */
export class FrameWriter {
  /** The position of the next token (or block). */
  next: number
  readonly #epoch: number
  readonly #send: (frame: Uint8Array) => void
  readonly #counts: Counts

  constructor(epoch: number, from: number, counts: Counts, send: (frame: Uint8Array) => void) {
    this.#epoch = epoch
    this.next = from
    this.#counts = counts
    this.#send = send
  }

  /** Whether `end` was among them. */
  write(batch: readonly Output[]): boolean {
    let ids: number[] = []
    let texts: string[] = []
    let scores: Uint8Array[] = []
    let size = 0
    const flush = (): void => {
      if (ids.length === 0) return
      this.#frame({ kind: 'tokens', ids, texts, ...(scores.length > 0 && { scores }) })
      this.next += ids.length
      this.#counts.tokens += ids.length
      ids = []
      texts = []
      scores = []
      size = 0
    }
    for (const output of batch) {
      if (output.kind !== 'tokens') {
        flush()
        this.#other(output)
        if (output.kind === 'end') return true
        continue
      }
      for (const [i, id] of output.ids.entries()) {
        const text = output.texts[i] ?? ''
        const score = output.scores?.[i]
        const cost = TOKEN_BYTES + text.length * UNIT_BYTES + (score?.byteLength ?? 0)
        if (ids.length === MAX_TOKENS || size + cost > MAX_BYTES) flush()
        ids.push(id)
        texts.push(text)
        if (score) scores.push(score)
        size += cost
      }
    }
    flush()
    return false
  }

  fail(failure: FailureBody): void {
    this.#frame({ kind: 'failed', failure })
  }

  #other(output: Exclude<Output, { kind: 'tokens' }>): void {
    this.#frame(output)
    if (output.kind !== 'bytes') return
    this.next += 1
    this.#counts.blocks += 1
  }

  #frame(body: FrameBody): void {
    this.#send(encodeFrame(this.#epoch, this.next, body))
    this.#counts.frames += 1
  }
}
