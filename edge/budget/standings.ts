import { Failure } from '../../proto/failure.ts'
import { monotonicMs, sleep } from '../clock.ts'
import type { Log } from '../ports.ts'
import type { BudgetStore, Standing } from './store.ts'

/** Changes are broadcast; this is for one that was missed. */
const AGAIN_MS = 30_000
const AFTER_FAILURE_MS = 1_000
/** Of the first reading. */
const FIRST_AGAIN_MS = 200
const PATIENCE_MS = 5_000
const LOOK_MS = 20
const NEWS_AFTER = 20

/** Prices and budgets, as this gateway knows them: read once, again when somebody says that they changed, and now and then. */
export class Standings implements Disposable {
  readonly #store: Pick<BudgetStore, 'standing'>
  readonly #log: Log
  readonly #timer: ReturnType<typeof setInterval>
  #known: Standing | undefined
  #reading: Promise<void> | undefined
  #stale = false
  #failures = 0
  #over = false

  constructor(store: Pick<BudgetStore, 'standing'>, log: Log) {
    this.#store = store
    this.#log = log
    this.#timer = setInterval(() => this.refresh(), AGAIN_MS)
    this.refresh()
  }

  get known(): Standing | undefined {
    return this.#known
  }

  /** Throws `unavailable` where they were never read: nobody is let in for free because a database is away. */
  async get(): Promise<Standing> {
    // A gateway that starts beside its database is asked before that can answer.
    const untilMs = monotonicMs() + PATIENCE_MS
    while (!this.#known && !this.#over && monotonicMs() < untilMs) await sleep(LOOK_MS)
    if (this.#known) return this.#known
    throw new Failure(
      'unavailable',
      'Prices and budgets are not known yet. Try again in a moment.',
      {
        retryAfterMs: AFTER_FAILURE_MS,
      },
    )
  }

  /** What is heard while they are being read makes for another reading. */
  refresh(): void {
    this.#stale = true
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
  }

  /** What was changed before this was asked is known when it resolves. */
  async settled(): Promise<void> {
    await this.#reading
  }

  [Symbol.dispose](): void {
    this.#over = true
    clearInterval(this.#timer)
  }

  async #read(): Promise<void> {
    while (this.#stale && !this.#over) {
      this.#stale = false
      try {
        this.#known = await this.#store.standing()
        this.#failures = 0
      } catch (cause) {
        // A database that is on its way up is no news.
        if (++this.#failures >= NEWS_AFTER)
          this.#log.warn({ cause }, 'prices and budgets could not be read')
        this.#stale = true
        // Who waits for the first reading is told; the others go on with what was known.
        if (!this.#known) void sleep(FIRST_AGAIN_MS).then(() => this.refresh())
        if (!this.#known) return
        await sleep(AFTER_FAILURE_MS)
      }
    }
  }
}
