import type { Output } from '../../proto/frame.ts'
import type { Ended, RunBatch } from './protocol.ts'

/**
 * Messages leave no closer together than this, except for a run's first tokens: a model that makes a thousand tokens a second
 * would else send as many messages, each through two processes and the broker. Half a frame of a display, and nothing to a model of human pace.
 */
const GAP_MS = 16
/** As many tokens of one run as are worth a message by themselves. */
const FULL_TOKENS = 32

/**
 * What all runs said since the event loop last turned leaves as one message: a message costs more than its tokens, and
 * a model that steps its streams together makes them ready together.
 */
export class Outbox {
  readonly #send: (runs: RunBatch[]) => void
  #runs = new Map<number, RunBatch>()
  readonly #begun = new Set<number>()
  #flushedAtMs = -GAP_MS
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(send: (runs: RunBatch[]) => void) {
    this.#send = send
  }

  say(run: number, output: Output): void {
    const { outputs } = this.#batch(run)
    const last = outputs.at(-1)
    if (output.kind === 'tokens' && last?.kind === 'tokens') {
      const ids = [...last.ids, ...output.ids]
      const texts = [...last.texts, ...output.texts]
      const scores = last.scores && output.scores && [...last.scores, ...output.scores]
      outputs[outputs.length - 1] = { kind: 'tokens', ids, texts, ...(scores && { scores }) }
      if (ids.length >= FULL_TOKENS) this.#soon()
    } else outputs.push(output)
    const isFirst = (output.kind === 'tokens' || output.kind === 'bytes') && !this.#begun.has(run)
    if (isFirst) {
      this.#begun.add(run)
      this.#soon()
    } else this.touch()
  }

  over(run: number, ended: Ended): void {
    this.#batch(run).over = ended
    this.#begun.delete(run)
    this.#soon()
  }

  /** Sends the measured pace even where nothing was said yet. */
  touch(): void {
    const waitMs = this.#flushedAtMs + GAP_MS - performance.now()
    if (waitMs <= 0) this.#soon()
    else this.#timer ??= setTimeout(() => this.#flush(), waitMs)
  }

  #soon(): void {
    this.#immediate ??= setImmediate(() => this.#flush())
  }

  #batch(run: number): RunBatch {
    const known = this.#runs.get(run)
    if (known) return known
    const batch: RunBatch = { run, outputs: [] }
    this.#runs.set(run, batch)
    return batch
  }

  #flush(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = this.#immediate = undefined
    this.#flushedAtMs = performance.now()
    const runs = [...this.#runs.values()]
    this.#runs = new Map()
    this.#send(runs)
  }
}
