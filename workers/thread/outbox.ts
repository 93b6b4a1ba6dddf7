import type { Output } from '../../proto/frame.ts'
import type { Ended, RunBatch } from './protocol.ts'

/**
 * What all runs said since the event loop last turned leaves as one message: a message costs more than its tokens, and
 * a model that steps its streams together makes them ready together.
 */
export class Outbox {
  readonly #send: (runs: RunBatch[]) => void
  #runs = new Map<number, RunBatch>()
  #due = false

  constructor(send: (runs: RunBatch[]) => void) {
    this.#send = send
  }

  say(run: number, output: Output): void {
    const { outputs } = this.#batch(run)
    const last = outputs.at(-1)
    if (output.kind === 'tokens' && last?.kind === 'tokens')
      outputs[outputs.length - 1] = {
        kind: 'tokens',
        ids: [...last.ids, ...output.ids],
        texts: [...last.texts, ...output.texts],
      }
    else outputs.push(output)
  }

  over(run: number, ended: Ended): void {
    this.#batch(run).over = ended
  }

  /** Sends the measured pace even where nothing was said yet. */
  touch(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => this.#flush())
  }

  #batch(run: number): RunBatch {
    this.touch()
    const known = this.#runs.get(run)
    if (known) return known
    const batch: RunBatch = { run, outputs: [] }
    this.#runs.set(run, batch)
    return batch
  }

  #flush(): void {
    const runs = [...this.#runs.values()]
    this.#due = false
    this.#runs = new Map()
    this.#send(runs)
  }
}
