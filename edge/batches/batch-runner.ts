import { BatchRun, type RunOptions } from './run-batch.ts'

/** How often a gateway looks for batches that another left. */
const LOOK_MS = 10_000
const SWEEP_MS = 10 * 60_000

export interface RunnerOptions extends Omit<RunOptions, 'signal'> {
  /** Deletes files whose time is over. */
  sweep: () => Promise<void>
}

/** Carries out batches, one after the other. Every gateway may: a lease in the store says which has which. */
export class BatchRunner implements AsyncDisposable {
  readonly #options: RunnerOptions
  readonly #leaving = new AbortController()
  readonly #looking: ReturnType<typeof setInterval>
  readonly #sweeping: ReturnType<typeof setInterval>
  #run: BatchRun | undefined
  #working: Promise<void> | undefined
  #again = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#looking = setInterval(() => this.stir(), LOOK_MS)
    this.#sweeping = setInterval(() => {
      options.sweep().catch((cause: unknown) => {
        options.log.warn({ cause }, 'old files could not be deleted yet')
      })
    }, SWEEP_MS)
  }

  get busy(): boolean {
    return this.#working !== undefined
  }

  /** Resolves once there is nothing to do. */
  async idle(): Promise<void> {
    await this.#working
  }

  /** There may be something to do, or to stop. */
  stir(): void {
    if (this.#leaving.signal.aborted) return
    void this.#run?.look()
    this.#again = true
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking)
    clearInterval(this.#sweeping)
    this.#leaving.abort()
    await this.#working
  }

  async #work(): Promise<void> {
    const { work, holder, log } = this.#options
    const { signal } = this.#leaving
    while (!signal.aborted) {
      try {
        this.#again = false
        const batch = await work.lease(holder)
        if (!batch && this.#again) continue
        if (!batch) return
        this.#run = new BatchRun(batch, { ...this.#options, signal })
        await this.#run.run()
      } catch (cause) {
        log.warn({ cause }, 'a batch could not be carried on: it is tried again after its lease')
        return
      } finally {
        this.#run = undefined
      }
    }
  }
}
