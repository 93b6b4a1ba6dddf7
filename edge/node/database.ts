import { sql } from 'drizzle-orm'
import { openDb, type Db } from '../../db/client.ts'
import { TooLate, within } from '../within.ts'

/** Far more than any query of ours takes: its server is frozen, or the way to it is cut. */
const QUERY_MS = 5_000
const PROBE_MS = 1_000

/** The database, with an end to every question: a pool that does not answer is replaced, and what waits in it fails. */
export class Database implements AsyncDisposable {
  readonly #url: string
  readonly #queryMs: number
  #db: Db
  #probe: Promise<boolean> | undefined

  constructor(url: string, queryMs = QUERY_MS) {
    this.#url = url
    this.#queryMs = queryMs
    this.#db = this.#open()
  }

  async ask<T>(query: (db: Db) => Promise<T>): Promise<T> {
    const db = this.#db
    try {
      return await within(this.#queryMs, query(db))
    } catch (thrown) {
      if (thrown instanceof TooLate && db === this.#db) {
        this.#db = this.#open()
        void db.$client.end({ timeout: 0 })
      }
      throw thrown
    }
  }

  /** Whether it answers now. However many want to know, it is asked once at a time. */
  async answers(): Promise<boolean> {
    // With a parameter: a simple query would make the embedded database forget the statements of other connections.
    this.#probe ??= this.ask(async (db) => db.execute(sql`select ${1}::int`))
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        this.#probe = undefined
      })
    return within(PROBE_MS, this.#probe).catch(() => false)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.$client.end({ timeout: 1 })
  }

  #open(): Db {
    return openDb(this.#url, { statementMs: this.#queryMs })
  }
}
