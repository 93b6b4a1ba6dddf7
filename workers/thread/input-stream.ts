import type { InputFrame } from '../../proto/input.ts'
import { Mailbox } from './mailbox.ts'

export interface Block {
  seq: number
  bytes: Uint8Array
}

/**
 * A job's input in order, whatever came twice. A block that is ahead of its turn is dropped too: its sender keeps
 * blocks until they are consumed, and sends again.
 */
export class InputStream implements AsyncIterable<Block> {
  readonly #blocks = new Mailbox<Block>()
  #next: number

  constructor(from: number, signal: AbortSignal) {
    this.#next = from
    signal.addEventListener('abort', () => this.#blocks.fail(signal.reason), { once: true })
  }

  take(frame: InputFrame): void {
    if (frame.seq !== this.#next) return
    if (frame.kind === 'end') return this.#blocks.close()
    this.#next++
    this.#blocks.put({ seq: frame.seq, bytes: frame.bytes })
  }

  [Symbol.asyncIterator](): AsyncIterator<Block> {
    return this.#blocks[Symbol.asyncIterator]()
  }
}
