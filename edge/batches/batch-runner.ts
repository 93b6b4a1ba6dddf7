import type { HeldBatch } from './batch-work.ts'
import { BatchRun, type RunOptions } from './run-batch.ts'

/** How often a gateway looks for batches that another left. */
const LOOK_MS = 10_000
const SWEEP_MS = 10 * 60_000
/** Batches of different projects: one that waits for its limits keeps no other from its own. */
const AT_ONCE = 8

export interface RunnerOptions extends Omit<RunOptions, 'signal'> {
  /** Deletes files whose time is over. */
  sweep: () => Promise<void>
}

/** Carries out batches, one of a project at a time. Every gateway may: a lease in the store says which has which. */
export class BatchRunner implements AsyncDisposable {
  readonly #options: RunnerOptions
  readonly #leaving = new AbortController()
  readonly #looking: ReturnType<typeof setInterval>
  readonly #sweeping: ReturnType<typeof setInterval>
  readonly #runs = new Map<BatchRun, Promise<void>>()
  #leasing: Promise<void> | undefined
  #again = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#looking = setInterval(() => this.stir(), LOOK_MS)
    this.#sweeping = setInterval(() => void this.sweep(), SWEEP_MS)
  }

  get busy(): boolean {
    return this.#leasing !== undefined || this.#runs.size > 0
  }

  /** Resolves once there is nothing to do. */
  async idle(): Promise<void> {
    while (this.busy) await Promise.all([this.#leasing, ...this.#runs.values()])
  }

  /** There may be something to do, or to stop. */
  stir(): void {
    if (this.#leaving.signal.aborted) return
    for (const run of this.#runs.keys()) void run.look()
    this.#again = true
    this.#leasing ??= this.#lease().finally(() => {
      this.#leasing = undefined
    })
  }

  async sweep(): Promise<void> {
    await this.#options.sweep().catch((cause: unknown) => {
      this.#options.log.warn({ cause }, 'old files could not be deleted yet')
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking)
    clearInterval(this.#sweeping)
    this.#leaving.abort()
    await this.idle()
  }

  /** Begins as many as there are, and as there is room for. */
  async #lease(): Promise<void> {
    const { work, holder, log } = this.#options
    while (!this.#leaving.signal.aborted && this.#runs.size < AT_ONCE) {
      try {
        this.#again = false
        const batch = await work.lease(holder)
        if (!batch && this.#again) continue
        if (!batch) return
        this.#begin(batch)
      } catch (cause) {
        log.warn({ cause }, 'batches could not be looked for')
        return
      }
    }
  }

  #begin(batch: HeldBatch): void {
    const run = new BatchRun(batch, { ...this.#options, signal: this.#leaving.signal })
    const running = run
      .run()
      .catch((cause: unknown) => {
        const { log } = this.#options
        log.warn(
          { batch: batch.id, cause },
          'a batch could not be carried on: it is tried again after its lease',
        )
      })
      .finally(() => {
        this.#runs.delete(run)
        // There is room for another.
        this.stir()
      })
    this.#runs.set(run, running)
  }
}
