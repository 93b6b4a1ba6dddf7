import type { Engine } from '../engines/engine.ts'
import type { LaneTask } from '../lanes/lane.ts'
import { Failure } from '../../proto/failure.ts'
import type { Output } from '../../proto/frame.ts'
import type { InputFrame } from '../../proto/input.ts'
import { Credit } from './credit.ts'
import { InputStream } from './input-stream.ts'
import { portion, sizeOf } from './portion.ts'

/** One job on the engine's side of the thread: pulled from the engine as far as its reader gave credit. */
export class ThreadRun {
  readonly #task: LaneTask
  readonly #abort = new AbortController()
  readonly #credit: Credit
  readonly #input: InputStream

  constructor(task: LaneTask) {
    this.#task = task
    this.#credit = new Credit(task.credit, this.#abort.signal)
    this.#input = new InputStream(task.inputFrom, this.#abort.signal)
  }

  credit(upTo: number): void {
    this.#credit.raise(upTo)
  }

  input(frame: InputFrame): void {
    this.#input.take(frame)
  }

  cancel(): void {
    this.#abort.abort()
  }

  /**
   * What the engine says, cut to fit the credit. One output is taken ahead of it, so that an end needs no credit of
   * its own.
   */
  async *outputs(engine: Engine): AsyncGenerator<Output> {
    const { signal } = this.#abort
    const { job, from, prefix } = this.#task
    if (job.kind !== engine.kind)
      throw new Failure('model_not_found', `The model "${job.model}" does no ${job.kind} jobs.`)
    let position = from
    for await (const output of engine.run({ job, from, prefix, input: this.#input }, signal)) {
      let rest: Output | undefined = output
      while (rest) {
        const size = sizeOf(rest)
        const room: number = size === 0 ? 0 : await this.#credit.room(position, signal)
        const [head, tail]: [Output, Output | undefined] = portion(rest, room)
        yield head
        position += sizeOf(head)
        rest = tail
      }
    }
  }
}
