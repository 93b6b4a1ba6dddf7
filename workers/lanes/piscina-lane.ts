import { setTimeout } from 'node:timers/promises'
import type { Piscina } from 'piscina'
import type { Offering } from '../../proto/beat.ts'
import { Failure } from '../../proto/failure.ts'
import type { EngineSpec } from '../engines/engine-spec.ts'
import type { Loaded, RunBatch, ThreadTask, ToThread } from '../thread/protocol.ts'
import { EngineThread, onePool } from './engine-thread.ts'
import type { Lane, LaneRun, LaneTask } from './lane.ts'
import { PiscinaRun } from './piscina-run.ts'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 10_000

export interface LaneOptions {
  spec: EngineSpec
  queue: string
  /** Ids a client may name. */
  models: string[]
  createdAtMs: number
  fingerprint?: string
  /** Called before every load, the ones after a crash too: throws where the model's files are not what they were. */
  verify?: () => Promise<void>
  /** Hears what an operator should know, a sentence at a time. */
  report: (text: string) => void
  entry?: URL
}

/**
 * A thread with one engine. When the thread dies its runs fail, and it is loaded again, at most every ten seconds.
 * Until then the lane is still offered, with nothing free: the model is known here, but no job should come.
 */
export class PiscinaLane implements Lane {
  readonly #options: LaneOptions
  readonly #pool: Piscina<ThreadTask, void>
  readonly #runs = new Map<number, PiscinaRun>()
  readonly #closing = new AbortController()
  #loaded: Loaded
  #thread: EngineThread | undefined
  #life = Promise.resolve()
  #lastRun = 0

  /** Rejects where the first load fails; later ones are tried again and reported. */
  static async open(options: LaneOptions): Promise<PiscinaLane> {
    const lane = new PiscinaLane(options)
    try {
      lane.#life = lane.#live(await lane.#load())
      return lane
    } catch (thrown) {
      await lane.#pool.destroy()
      throw thrown
    }
  }

  private constructor(options: LaneOptions) {
    this.#options = options
    this.#pool = onePool(options.entry)
    // Nobody sees a lane before its first load says better.
    this.#loaded = { kind: 'chat', slots: options.spec.slots, contextTokens: 0 }
  }

  offering(): Offering {
    const { queue, models, createdAtMs, fingerprint } = this.#options
    const { kind, slots, contextTokens, dialect } = this.#loaded
    const free = this.#thread ? Math.max(0, slots - this.#runs.size) : 0
    const stepMs = this.#thread?.stepMs ?? 0
    const told = { ...(dialect && { dialect }), ...(fingerprint !== undefined && { fingerprint }) }
    return { kind, queue, models, slots, free, contextTokens, stepMs, createdAtMs, ...told }
  }

  run(task: LaneTask, signal: AbortSignal): LaneRun {
    const thread = this.#thread
    if (!thread) throw this.#gone()
    const id = ++this.#lastRun
    const run = new PiscinaRun(id, (message: ToThread) => thread.send(message), signal)
    if (signal.aborted) return run
    this.#runs.set(id, run)
    thread.send({ type: 'start', run: id, task })
    return run
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    const thread = this.#thread
    this.#thread = undefined
    this.#failAll(new Failure('unavailable', 'The worker is shutting down.'))
    await thread?.shutdown()
    await this.#life
    await this.#pool.destroy()
  }

  #hear(batches: RunBatch[]): void {
    for (const batch of batches) {
      this.#runs.get(batch.run)?.hear(batch)
      if (batch.over) this.#runs.delete(batch.run)
    }
  }

  /** Watches one life after the other. */
  async #live(first: EngineThread): Promise<void> {
    let thread: EngineThread | undefined = first
    while (thread) {
      const error = await thread.ended
      if (this.#closing.signal.aborted) return
      this.#thread = undefined
      const why = error?.message ?? 'it ended by itself'
      this.#options.report(`${this.#name}: its thread is gone (${why}), loading it again`)
      this.#failAll(this.#gone(error))
      thread = await this.#revive()
    }
  }

  async #revive(): Promise<EngineThread | undefined> {
    const { signal } = this.#closing
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      await setTimeout(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return undefined
      try {
        const thread = await this.#load()
        this.#options.report(`${this.#name}: loaded again`)
        return thread
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        this.#options.report(`${this.#name}: could not be loaded again: ${why}`)
      }
    }
  }

  async #load(): Promise<EngineThread> {
    await this.#options.verify?.()
    const thread = new EngineThread(this.#pool, this.#options.spec, (runs) => this.#hear(runs))
    this.#loaded = await thread.loaded
    this.#thread = thread
    // Closed while it loaded: whoever closes has not seen this thread.
    if (this.#closing.signal.aborted) await thread.shutdown()
    return thread
  }

  #failAll(failure: Failure): void {
    const runs = [...this.#runs.values()]
    this.#runs.clear()
    for (const run of runs) run.fail(failure)
  }

  #gone(cause?: Error): Failure {
    return new Failure('engine_failed', 'The engine that ran this stopped.', { cause })
  }

  get #name(): string {
    return this.#options.models[0] ?? this.#options.queue
  }
}
