import { AckPolicy, DeliverPolicy, jetstream, type Consumer } from '@nats-io/jetstream'
import { nanos } from '@nats-io/nats-core'
import type { Paid } from '../../proto/budget.ts'
import { newNonce, type GatewayId } from '../../proto/ids.ts'
import { LedgerRecord } from '../../proto/ledger.ts'
import { LEDGER } from '../../proto/subjects.ts'
import type { BudgetStore } from '../budget/store.ts'
import type { Treasury } from '../budget/treasury.ts'
import { sleep } from '../clock.ts'
import { callOff } from './call-off.ts'
import { gatewaysOwed } from './gateways-owed.ts'
import type { Desk } from './desk.ts'
import { lastRecord } from './ledger.ts'

const EVERY_MS = 500
const NEWS_AFTER = 10
/** Records that are counted at once. */
const BATCH = 500
const EXPIRES_MS = 2_000
/** A budget that was just made may pay for jobs whose gateway's clock is behind. */
const BEFORE_MS = 60_000

export interface BookkeeperOptions {
  desk: Desk
  treasury: Treasury
  store: BudgetStore
  /** One gateway counts, and the next does once that one is gone. Should two, the store lets only one. */
  rank: () => number
}

/**
 * Counts what was spent, from the last records of LEDGER and in their order, and ends the leases of gateways that are gone once
 * nothing that is not counted was paid from them.
 */
export class Bookkeeper implements Disposable {
  readonly #options: BookkeeperOptions
  #consumer: { from: number; consumer: Consumer } | undefined
  /** Leases that end when LEDGER is counted up to there: nothing after it was paid from them. */
  readonly #closing = new Map<GatewayId, number>()
  #over = false

  constructor(options: BookkeeperOptions) {
    this.#options = options
    void this.#run()
  }

  [Symbol.dispose](): void {
    this.#over = true
  }

  async #run(): Promise<void> {
    const { desk, rank, treasury } = this.#options
    let failures = 0
    for (; !this.#over && !desk.nc.isClosed(); await sleep(EVERY_MS)) {
      try {
        await this.#returnStrays()
        // Nothing is spent where there is no budget.
        if (!treasury.standings.known?.budgets.length && this.#closing.size === 0) continue
        if (rank() === 0) await this.#round()
        failures = 0
      } catch (cause) {
        this.#consumer = undefined
        // A broker that is on its way up, or changes hands, is no news.
        if (++failures >= NEWS_AFTER && !this.#over && !desk.nc.isClosed())
          desk.log.warn({ cause }, 'what was spent of budgets could not be counted yet')
      }
    }
  }

  async #round(): Promise<void> {
    const { desk, store } = this.#options
    const counted = await store.counted()
    if (!counted) return
    const { ledgerSeq, sinceMs } = counted
    const last = await lastSeq(desk)
    // The broker lost its files, and numbers anew.
    if (last < ledgerSeq) await store.count({ from: ledgerSeq, to: 0, paid: [] })
    else if (last > ledgerSeq) await this.#count(ledgerSeq, { last, sinceMs })
    for (const [gateway, upTo] of this.#closing) {
      if (ledgerSeq < upTo) continue
      this.#closing.delete(gateway)
      if (desk.isAlive(gateway)) continue
      await store.close(gateway)
      desk.log.info({ gateway }, 'the budget leases of a gateway that is gone were ended')
    }
    await this.#lookForLapsed()
  }

  async #count(from: number, { last, sinceMs }: { last: number; sinceMs: number }): Promise<void> {
    const { store } = this.#options
    const consumer = await this.#at(from, sinceMs)
    const paid: Paid[] = []
    let to = from
    const messages = await consumer.fetch({
      max_messages: Math.min(BATCH, last - from),
      expires: EXPIRES_MS,
    })
    for await (const message of messages) {
      to = message.seq
      if (isFinal(message.data)) paid.push(...paidIn(message.json()))
      // Older ones are gone: nobody waits for what will not come.
      if (to >= last) break
    }
    // Records may have aged away, and left nothing to count.
    if (to === from) to = last
    const ours = await store.count({ from, to, paid })
    this.#consumer = ours && this.#consumer ? { ...this.#consumer, from: to } : undefined
  }

  /** A consumer that goes on where the count stands. */
  async #at(from: number, sinceMs: number): Promise<Consumer> {
    if (this.#consumer?.from === from) return this.#consumer.consumer
    const { desk } = this.#options
    const start =
      from > 0
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from + 1 }
        : {
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: new Date(sinceMs - BEFORE_MS).toISOString(),
          }
    const info = await desk.jsm.consumers.add(LEDGER, {
      name: `budgets-${desk.gateway}-${newNonce()}`,
      ...start,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      inactive_threshold: nanos(20 * EXPIRES_MS),
    })
    const consumer = jetstream(desk.nc).consumers.getConsumerFromInfo(info)
    this.#consumer = { from, consumer }
    return consumer
  }

  /** Jobs first, then LEDGER: a job that is in neither any more has its end in what was read of LEDGER. */
  async #lookForLapsed(): Promise<void> {
    const { desk, store } = this.#options
    const gone = (await store.lapsed()).filter((gateway) => !desk.isAlive(gateway))
    const fresh = gone.filter((gateway) => !this.#closing.has(gateway))
    if (fresh.length === 0) return
    const owed = await gatewaysOwed(desk)
    const last = await lastSeq(desk)
    for (const gateway of fresh) if (!owed.has(gateway)) this.#closing.set(gateway, last)
  }

  /** What we held for an answer that another gateway took over is ours again, once that one has billed it. */
  async #returnStrays(): Promise<void> {
    const { desk, treasury } = this.#options
    for (const [job, { account, held }] of treasury.strays) {
      const record = (await lastRecord(desk, job))?.record
      // A replay whose end nobody wrote: none will come, unless we say so.
      const calledOff = !record && (await callOff(desk, job, account))
      if (!calledOff && record?.type !== 'final') continue
      treasury.strays.delete(job)
      treasury.unspent(held, record?.type === 'final' ? (record.paid ?? []) : [])
    }
  }
}

const lastSeq = async ({ jsm }: Desk): Promise<number> =>
  (await jsm.streams.info(LEDGER)).state.last_seq

const FINAL = new TextEncoder().encode('{"type":"final"')

/** Half of the records are of claims: they are known by their first bytes. */
const isFinal = (data: Uint8Array): boolean => FINAL.every((byte, i) => data[i] === byte)

function paidIn(json: unknown): readonly Paid[] {
  const record = LedgerRecord.safeParse(json).data
  return record?.type === 'final' ? (record.paid ?? []) : []
}
