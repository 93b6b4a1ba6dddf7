import { connect, type NatsConnection } from '@nats-io/transport-node'
import { connectionOptions } from '../infra/nats/connection-options.ts'
import { Beat } from '../proto/beat.ts'
import type { JobId } from '../proto/ids.ts'
import { LedgerRecord } from '../proto/ledger.ts'
import { partOf, subjects } from '../proto/subjects.ts'

export interface Claimed {
  worker: string
  epoch: number
  /** When the record passed the broker, on the clock of `performance`. */
  atMs: number
}

const FRESH_MS = 450

/** What the broker carries, heard as the operator: records on their way to LEDGER, jobs on their way to JOBS, beats. */
export class Watch implements AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #claims = new Map<JobId, Claimed[]>()
  readonly #beats = new Map<string, { beat: Beat; atMs: number }>()
  readonly #waiting = new Set<() => void>()
  queued = 0

  static async open(url: string): Promise<Watch> {
    const watch = new Watch(await connect(connectionOptions(url)))
    await watch.#nc.flush()
    return watch
  }

  private constructor(nc: NatsConnection) {
    this.#nc = nc
    this.#hear('ledger.*', (subject, body) => {
      const atMs = performance.now()
      const record = LedgerRecord.parse(body)
      if (record.type !== 'claimed') return
      const job = partOf(subject, 1) as JobId
      const { epoch, holder } = record
      this.#claims.set(job, [
        ...(this.#claims.get(job) ?? []),
        { worker: holder.worker, epoch, atMs },
      ])
    })
    this.#hear('job.>', () => this.queued++)
    this.#hear(subjects.beats, (subject, body) => {
      const atMs = performance.now()
      this.#beats.set(partOf(subject, 1), { beat: Beat.parse(body), atMs })
    })
  }

  /** The last claim for a job, once it has one of a later epoch than `after`. */
  async claimed(job: JobId, after = 0): Promise<Claimed> {
    for (;;) {
      const last = this.#claims.get(job)?.at(-1)
      if (last && last.epoch > after) return last
      await this.#change()
    }
  }

  /** The first claim after `sinceMs` for any job but this one, whose own may be heard late. */
  async claimBehind(job: JobId, sinceMs: number): Promise<Claimed> {
    for (;;) {
      const others = [...this.#claims].filter(([other]) => other !== job)
      const found = others.flatMap(([, claims]) => claims).find(({ atMs }) => atMs > sinceMs)
      if (found) return found
      await this.#change()
    }
  }

  async jobsQueued(count: number): Promise<void> {
    while (this.queued < count) await this.#change()
  }

  /** Resolves when so many workers beat, and none of them runs anything. */
  async idle(workers: number, gone?: string): Promise<void> {
    for (;;) {
      const nowMs = performance.now()
      const fresh = [...this.#beats.values()].filter(
        ({ beat, atMs }) =>
          nowMs - atMs < FRESH_MS &&
          beat.nonce !== gone &&
          beat.offerings.every(({ slots, free }) => slots === free),
      )
      if (fresh.length >= workers) return
      await this.#change()
    }
  }

  nonceOf(worker: string): string | undefined {
    return this.#beats.get(worker)?.beat.nonce
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nc.close()
  }

  #hear(subject: string, take: (subject: string, body: unknown) => void): void {
    this.#nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error) return
        take(msg.subject, msg.json())
        const waiting = [...this.#waiting]
        this.#waiting.clear()
        for (const resolve of waiting) resolve()
      },
    })
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }
}
