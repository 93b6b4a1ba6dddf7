import { jetstream, jetstreamManager, type Consumer, type JsMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { JobId } from '../../proto/ids.ts'
import { LedgerRecord } from '../../proto/ledger.ts'
import { LEDGER, partOf, USAGE } from '../../proto/subjects.ts'
import type { UsageRow } from '../../proto/usage.ts'
import { sleep } from '../clock.ts'
import type { Log } from '../ports.ts'
import { within } from '../within.ts'
import { bareRowOf, rowOf } from './row-of.ts'

/** Records that are written at once. */
const BATCH = 500
/** So long others are waited for, once there is one: the shortest pull that the client allows. */
const GATHER_MS = 1_000
const IDLE_MS = 30_000
const LAST_WORDS_MS = 500
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

export interface UsageWriterOptions {
  nc: NatsConnection
  /** Makes sure that there is a consumer to read from. */
  ensureConsumer: () => Promise<void>
  /** Writes each job once, however often it is told. */
  write: (rows: readonly UsageRow[]) => Promise<void>
  /** Whether what `write` threw is for what the rows say, and not for the moment: then it would throw it again. */
  isRefusal: (thrown: unknown) => boolean
  log: Log
  /** Told how often it failed in a row, 0 after a success. */
  onPause?: (failures: number) => void
}

/** What a writer has done, as plain numbers. */
const newUsageCounts = () => ({ written: 0, skipped: 0, unwritable: 0, failures: 0 })

/**
 * Writes what LEDGER says of ended jobs to where usage is asked for. All gateways share one consumer. A record is
 * acknowledged after it is written, and written again where the word was lost: the store counts a job once. Nobody
 * waits for this, and a store that is away for hours is waited for: LEDGER keeps the records.
 */
export class UsageWriter implements AsyncDisposable {
  readonly counts = newUsageCounts()
  readonly #options: UsageWriterOptions
  #writing: Promise<void> = Promise.resolve()
  #over = false

  constructor(options: UsageWriterOptions) {
    this.#options = options
    void this.#run()
  }

  /** What is being written is finished, if that takes no time; the rest is another's after the consumer's wait. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true
    await within(LAST_WORDS_MS, this.#writing).catch(() => undefined)
  }

  /** Records that wait to be written, by whomever. */
  async waiting(): Promise<number> {
    const { nc } = this.#options
    const { num_pending, num_ack_pending } = await (
      await jetstreamManager(nc)
    ).consumers.info(LEDGER, USAGE)
    return num_pending + num_ack_pending
  }

  async #run(): Promise<void> {
    const { nc, log, ensureConsumer, onPause } = this.#options
    let consumer: Consumer | undefined
    for (let failures = 0; !this.#over && !nc.isClosed();) {
      try {
        if (!consumer) {
          await ensureConsumer()
          consumer = await jetstream(nc).consumers.get(LEDGER, USAGE)
        }
        const messages = await gather(consumer)
        if (this.#over) return
        this.#writing = this.#writeAll(messages)
        await this.#writing
        if (failures > 0) onPause?.(0)
        failures = 0
      } catch (cause) {
        if (this.#over || nc.isClosed()) return
        // The broker may have come back without it.
        consumer = undefined
        failures++
        this.counts.failures++
        log.warn({ cause, failures }, 'usage could not be written: LEDGER keeps it')
        onPause?.(failures)
        await sleep(Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS))
      }
    }
  }

  async #writeAll(messages: readonly JsMsg[]): Promise<void> {
    const rows = new Map<JsMsg, UsageRow>()
    for (const message of messages) {
      const row = this.#rowIn(message)
      if (row) rows.set(message, row)
      else message.ack()
    }
    try {
      await this.#write([...rows])
    } catch (thrown) {
      // They are offered again after the pause, and to whom it may.
      for (const message of rows.keys()) message.nak(FIRST_PAUSE_MS)
      throw thrown
    }
  }

  /** Halves what is refused, until the one that is at fault stands alone: it must not keep the others from being counted. */
  async #write(told: readonly (readonly [JsMsg, UsageRow])[]): Promise<void> {
    if (told.length === 0) return
    try {
      await this.#options.write(told.map(([, row]) => row))
    } catch (thrown) {
      if (!this.#options.isRefusal(thrown)) throw thrown
      const [only] = told
      if (told.length === 1 && only) return this.#writeBare(only, thrown)
      const half = Math.ceil(told.length / 2)
      await this.#write(told.slice(0, half))
      return this.#write(told.slice(half))
    }
    for (const [message] of told) message.ack()
    this.counts.written += told.length
  }

  /** What a caller may write must not decide whether it is counted. */
  async #writeBare([message, row]: readonly [JsMsg, UsageRow], refusal: unknown): Promise<void> {
    try {
      await this.#options.write([bareRowOf(row)])
    } catch (thrown) {
      if (!this.#options.isRefusal(thrown)) throw thrown
      return this.#giveUp([message, row], thrown)
    }
    const cause = refusal
    this.#options.log.error({ job: row.job, row, cause }, 'a job is counted without its texts')
    message.ack()
    this.counts.written++
  }

  #giveUp([message, row]: readonly [JsMsg, UsageRow], cause: unknown): void {
    this.counts.unwritable++
    this.#options.log.error({ job: row.job, row, cause }, 'the usage of a job cannot be written')
    message.term('it cannot be written')
  }

  #rowIn(message: JsMsg): UsageRow | undefined {
    if (isPassing(message.data)) {
      this.counts.skipped++
      return undefined
    }
    const id = JobId.safeParse(partOf(message.subject, 1))
    const record = LedgerRecord.safeParse(jsonIn(message))
    if (id.success && record.success)
      return record.data.type === 'final'
        ? rowOf(id.data, record.data, Math.floor(Number(message.timestampNanos / 1_000_000n)))
        : undefined
    this.counts.unwritable++
    const { subject, seq } = message
    this.#options.log.error(
      { subject, seq },
      'a record of LEDGER cannot be read: its job is not counted',
    )
    return undefined
  }
}

/** All there is, within a moment of the first. */
async function gather(consumer: Consumer): Promise<JsMsg[]> {
  const first = await consumer.next({ expires: IDLE_MS })
  if (!first) return []
  const messages = [first]
  const rest = await consumer.fetch({ max_messages: BATCH - 1, expires: GATHER_MS })
  for await (const message of rest) messages.push(message)
  return messages
}

const PASSING = ['{"type":"claimed"', '{"type":"adopted"'].map((start) =>
  new TextEncoder().encode(start),
)

/** Half of the records are of claims. They are known by their first bytes: nothing else is made of them here. */
const isPassing = (data: Uint8Array): boolean =>
  PASSING.some((start) => start.every((byte, i) => data[i] === byte))

function jsonIn(message: JsMsg): unknown {
  try {
    return message.json()
  } catch {
    return undefined
  }
}
