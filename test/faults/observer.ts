import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { Beat } from '../../proto/beat.ts'
import type { JobId } from '../../proto/ids.ts'
import { LedgerRecord, type Final } from '../../proto/ledger.ts'
import { FRAMES, JOBS, LEDGER, partOf, subjects } from '../../proto/subjects.ts'

/** For what must come: a machine that is busy is slow, and not wrong. */
const PATIENCE_MS = 60_000

/** What an operator can see of a June from beside it: beats, records and queues, never the insides of a process. */
export class Observer implements AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #jsm: JetStreamManager
  readonly #beats = new Map<string, Beat>()

  private constructor(nc: NatsConnection, jsm: JetStreamManager) {
    this.#nc = nc
    this.#jsm = jsm
    nc.subscribe(subjects.beats, {
      callback: (error, message) => {
        const beat = error ? undefined : beatIn(message)
        if (beat) this.#beats.set(partOf(message.subject, 1), beat)
      },
    })
  }

  static async at(operatorUrl: string): Promise<Observer> {
    const nc = await connect({
      ...connectionOptions(operatorUrl),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    })
    return new Observer(nc, await jetstreamManager(nc, { timeout: 2_000 }))
  }

  beatOf(worker: string): Beat | undefined {
    return this.#beats.get(worker)
  }

  /** The last record of a job; nothing before the first, or while the broker is away. */
  async record(job: JobId): Promise<LedgerRecord | undefined> {
    const message = await this.#jsm.direct
      .getMessage(LEDGER, { last_by_subj: subjects.ledger(job) })
      .catch(() => null)
    return message ? LedgerRecord.parse(message.json()) : undefined
  }

  /** The end of a job, once it is recorded. */
  async final(job: JobId): Promise<Final> {
    return until(`the end of ${job}`, async () => {
      const record = await this.record(job)
      return record?.type === 'final' ? record : undefined
    })
  }

  /** All that was ever recorded of a job, by type. */
  async history(job: JobId): Promise<string[]> {
    const types: string[] = []
    const { state } = await this.#jsm.streams.info(LEDGER, {
      subjects_filter: subjects.ledger(job),
    })
    const query = { seq: state.first_seq, next_by_subj: subjects.ledger(job) }
    for (let seq = query.seq; types.length < (state.subjects?.[subjects.ledger(job)] ?? 0);) {
      const message = await this.#jsm.direct.getMessage(LEDGER, { ...query, seq })
      if (!message) break
      types.push(LedgerRecord.parse(message.json()).type)
      seq = message.seq + 1
    }
    return types
  }

  /** Frames of any worker that the broker has seen for a job, progress of its prompt among them. */
  async framesOf(job: JobId): Promise<number> {
    const filter = { subjects_filter: subjects.outOf(job) }
    const { state } = await this.#jsm.streams.info(FRAMES, filter)
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
  }

  /** Who computes a job, once somebody does. */
  async holder(job: JobId): Promise<string> {
    return until(`a holder of ${job}`, async () => holderIn(await this.record(job)))
  }

  /** How many claims for a job were granted so far. */
  async epochs(job: JobId): Promise<number> {
    return (await this.record(job))?.spans.length ?? 0
  }

  /** Messages in a stream: in JOBS, the jobs that are not settled. */
  async messagesIn(stream: string): Promise<number> {
    const { state } = await this.#jsm.streams.info(stream)
    return state.messages
  }

  /** Whether the broker takes records: one is written, and taken away again. */
  async canRecord(): Promise<boolean> {
    try {
      const { seq } = await jetstream(this.#nc, { timeout: 2_000 }).publish('ledger.probe', '{}')
      return await this.#jsm.streams.deleteMessage(LEDGER, seq)
    } catch {
      return false
    }
  }

  /** The stories of the jobs that were given up. */
  async stories(): Promise<unknown[]> {
    const { state } = await this.#jsm.streams.info('DEAD')
    const stories: unknown[] = []
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++)
      stories.push((await this.#jsm.streams.getMessage('DEAD', { seq }))?.json())
    return stories
  }

  /** Nothing is left: no job in JOBS, and no slot taken. */
  async idle(workers: readonly string[]): Promise<void> {
    await until('an empty queue', async () => (await this.messagesIn(JOBS).catch(() => 1)) === 0)
    await this.free(workers)
  }

  /** Every slot of these workers is free, as their own latest beats say. */
  async free(workers: readonly string[]): Promise<void> {
    await until(`all slots of ${workers.join(', ')} free`, () =>
      workers.every((id) => this.#isFree(id)),
    )
  }

  /** Until beats come from all of these, and none of them says that it is leaving. */
  async up(workers: readonly string[]): Promise<void> {
    const since = new Map(workers.map((id) => [id, this.#beats.get(id)]))
    await until(`beats of ${workers.join(', ')}`, () =>
      workers.every((id) => {
        const beat = this.#beats.get(id)
        return beat !== since.get(id) && beat?.draining === false
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nc.close()
  }

  #isFree(worker: string): boolean {
    const offerings = this.#beats.get(worker)?.offerings ?? []
    return offerings.length > 0 && offerings.every(({ slots, free }) => slots === free)
  }
}

/** Nothing where a bad line has changed it on the way. */
function beatIn(message: Msg): Beat | undefined {
  try {
    return Beat.parse(message.json())
  } catch {
    return undefined
  }
}

/** Whom a record names as the one who computes. */
export const holderIn = (record: LedgerRecord | undefined): string | undefined =>
  record && 'holder' in record ? record.holder?.worker : undefined

/** What `look` finds, once it finds something. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const giveUpAtMs = performance.now() + patienceMs
  while (performance.now() < giveUpAtMs) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await sleep(10)
  }
  throw new Error(`waited in vain for ${what}`)
}
