import { Kvm, type KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/nats-core'
import { z } from 'zod'
import { Beat, Offering } from '../../proto/beat.ts'
import type { WorkerId } from '../../proto/ids.ts'
import type { Log } from '../ports.ts'

const BUCKET = 'workers'
const KEPT_MS = 24 * 60 * 60_000
/** A worker that still beats is written again after this, so that the age of an entry says when it was last there. */
const FRESH_MS = 60_000
const BETWEEN_MS = 1_000
const MAX_BYTES = 16 * 1024 * 1024

/** A worker as it is in this boot: what it holds and on what, without what changes from beat to beat. */
const Entry = Beat.pick({ nonce: true, version: true, device: true }).extend({
  offerings: z.array(Offering),
})
type Entry = z.infer<typeof Entry>

/**
 * What workers told of, in the bucket `workers`, one key for each worker: a gateway that starts knows what there was before
 * it has heard anybody. Every gateway writes what it hears, and only what is not in the bucket yet.
 */
export class Inventory {
  readonly #bucket: KV
  readonly #log: Log
  readonly #written = new Map<string, { text: string; atMs: number }>()
  readonly #writing = new Set<string>()

  private constructor(bucket: KV, log: Log) {
    this.#bucket = bucket
    this.#log = log
  }

  /** `recall` is told of every entry there is, with its age, before this resolves. */
  static async open(
    nc: NatsConnection,
    log: Log,
    recall: (offerings: readonly Offering[], ageMs: number) => void,
  ): Promise<Inventory> {
    const bucket = await new Kvm(nc).create(BUCKET, {
      history: 1,
      ttl: KEPT_MS,
      max_bytes: MAX_BYTES,
    })
    const inventory = new Inventory(bucket, log)
    for await (const key of await bucket.keys()) {
      const entry = await bucket.get(key)
      const known = entry && Entry.safeParse(entry.json())
      if (!known?.success) continue
      inventory.#written.set(key, { text: entry?.string() ?? '', atMs: Date.now() })
      recall(known.data.offerings, Date.now() - (entry?.created.getTime() ?? 0))
    }
    return inventory
  }

  /** Writes down what a beat tells, where that is new. Not waited for: the roster in memory is what requests are served from. */
  note(worker: WorkerId, beat: Beat): void {
    const key = worker
    const written = this.#written.get(key)
    // A worker whose every beat says something else is believed once a while.
    if (this.#writing.has(key) || Date.now() - (written?.atMs ?? 0) < BETWEEN_MS) return
    const text = JSON.stringify(entryOf(beat))
    if (written?.text === text && Date.now() - written.atMs < FRESH_MS) return
    this.#writing.add(key)
    this.#write(key, text)
      .catch((cause: unknown) => {
        this.#log.warn({ worker, cause }, 'the inventory of a worker could not be kept')
      })
      .finally(() => this.#writing.delete(key))
  }

  async #write(key: string, text: string): Promise<void> {
    // Of several gateways that hear the same beat, all but the first find it written.
    const there = await this.#bucket.get(key)
    const fresh = there?.string() === text && Date.now() - there.created.getTime() < FRESH_MS
    if (!fresh) await this.#bucket.put(key, text)
    this.#written.set(key, { text, atMs: Date.now() })
  }
}

const entryOf = ({ nonce, version, device, offerings }: Beat): Entry => ({
  nonce,
  version,
  device,
  offerings: offerings.map((offering) => ({ ...offering, free: 0, stepMs: 0 })),
})
