import { Failure } from '../../proto/failure.ts'
import type { Output } from '../../proto/frame.ts'
import type { InputFrame } from '../../proto/input.ts'
import { Mailbox } from '../thread/mailbox.ts'
import type { RunBatch, ToThread } from '../thread/protocol.ts'
import type { LaneRun } from './lane.ts'

/** A run that goes on in a thread. Its slot counts as taken until the thread itself says that it is over. */
export class PiscinaRun implements LaneRun {
  readonly #id: number
  readonly #send: (message: ToThread) => void
  readonly #batches = new Mailbox<readonly Output[]>()
  readonly #signal: AbortSignal
  #over = false

  constructor(id: number, send: (message: ToThread) => void, signal: AbortSignal) {
    this.#id = id
    this.#send = send
    this.#signal = signal
    signal.addEventListener('abort', this.#aborted, { once: true })
    if (signal.aborted) this.#aborted()
  }

  credit(upTo: number): void {
    if (!this.#over) this.#send({ type: 'credit', run: this.#id, upTo })
  }

  input(frame: InputFrame): void {
    if (!this.#over) this.#send({ type: 'input', run: this.#id, frame })
  }

  hear({ outputs, over }: RunBatch): void {
    if (outputs.length > 0) this.#batches.put(outputs)
    if (!over) return
    if (over.failure === null) this.#close()
    else {
      const { code, message, param } = over.failure
      this.fail(
        new Failure(code, message, {
          ...(param !== null && { param }),
          ...(over.story !== null && { cause: over.story }),
        }),
      )
    }
  }

  /** The thread is gone, or said so: nothing more comes. */
  fail(failure: Failure): void {
    this.#over = true
    this.#signal.removeEventListener('abort', this.#aborted)
    this.#batches.fail(failure)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Output[]> {
    try {
      yield* this.#batches
    } finally {
      this.#cancel()
    }
  }

  #close(): void {
    this.#over = true
    this.#signal.removeEventListener('abort', this.#aborted)
    this.#batches.close()
  }

  #cancel(): void {
    this.#signal.removeEventListener('abort', this.#aborted)
    if (!this.#over) this.#send({ type: 'cancel', run: this.#id })
    this.#over = true
  }

  readonly #aborted = (): void => {
    this.#cancel()
    this.#batches.fail(Failure.from(this.#signal.reason))
  }
}
