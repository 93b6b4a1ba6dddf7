import type { Beat, Offering } from '../../proto/beat.ts'
import type { Dialect } from '../../proto/calling.ts'
import { ECHO_QUEUE, parseEcho, SAY_DIALECT, type EchoModel } from '../../proto/echo.ts'
import type { WorkerId } from '../../proto/ids.ts'
import type { Queue } from '../../proto/subjects.ts'
import type { Served } from '../ports.ts'

/** A worker that has not beaten for this long is not counted on. */
export const GONE_MS = 2_000
/** A model whose last worker left is still known for this long: it may be on its way back. */
const FORGOTTEN_MS = 10 * 60_000

interface Known {
  served: Served
  queue: Queue
  seenAtMs: number
}

/** Who is there and what they serve, from the beats alone. Time comes in as an argument. */
export class Roster {
  readonly #workers = new Map<WorkerId, { beat: Beat; seenAtMs: number; ended: boolean }>()
  readonly #models = new Map<string, Known>()

  /** Whether it counts: of two processes under one name, the second is not listened to while the first is there. */
  heard(worker: WorkerId, beat: Beat, nowMs: number): boolean {
    if (this.isSecond(worker, beat.nonce, nowMs)) return false
    if (!this.#workers.has(worker)) this.#forget(nowMs)
    this.#workers.set(worker, { beat, seenAtMs: nowMs, ended: false })
    for (const offering of beat.offerings)
      for (const id of offering.models)
        if (mayOffer(offering, id)) this.#models.set(id, known(id, offering, nowMs))
    return true
  }

  /** Whether another process of this name is there: it beat lately, and its connection did not end. */
  isSecond(worker: WorkerId, nonce: string, nowMs: number): boolean {
    const first = this.#workers.get(worker)
    if (!first || first.beat.nonce === nonce || first.ended) return false
    return nowMs - first.seenAtMs < GONE_MS
  }

  /** The server says that a worker's connection ended. */
  left(worker: WorkerId, connection: number): void {
    const there = this.#workers.get(worker)
    if (there?.beat.connection === connection) there.ended = true
  }

  /** What was there before we listened: known, and not counted on. */
  recall(offerings: readonly Offering[], seenAtMs: number): void {
    for (const offering of offerings)
      for (const id of offering.models)
        if (mayOffer(offering, id) && !this.#models.has(id))
          this.#models.set(id, known(id, offering, seenAtMs))
  }

  /** Names come and go where workers do: those that were not heard of for long are not kept. */
  #forget(nowMs: number): void {
    for (const [id, { seenAtMs }] of this.#workers)
      if (nowMs - seenAtMs > FORGOTTEN_MS) this.#workers.delete(id)
    for (const [id, { seenAtMs }] of this.#models)
      if (nowMs - seenAtMs > FORGOTTEN_MS) this.#models.delete(id)
  }

  /** The queue of a model and what is known of it, whether or not a worker is there this moment. */
  find(model: string, nowMs: number): Known | undefined {
    const exact = this.#models.get(model)
    if (exact && nowMs - exact.seenAtMs < FORGOTTEN_MS) return exact
    const echo = parseEcho(model)
    if (!echo) return undefined
    for (const entry of this.#models.values())
      if (entry.queue.name === ECHO_QUEUE && entry.queue.kind === echo.kind)
        return { ...entry, served: { ...entry.served, id: model, ...dialectOf(echo) } }
    return undefined
  }

  models(nowMs: number): Served[] {
    return [...this.#models.values()]
      .filter((entry) => nowMs - entry.seenAtMs < FORGOTTEN_MS)
      .map((entry) => entry.served)
  }

  stepMs(worker: WorkerId, queue: Queue): number {
    const offerings = this.#workers.get(worker)?.beat.offerings ?? []
    return offerings.find((offering) => isOf(offering, queue))?.stepMs ?? 0
  }

  /** Slots of a queue, at all workers that are there to take jobs. */
  slots(queue: Queue, nowMs: number): number {
    let slots = 0
    for (const { beat, seenAtMs, ended } of this.#workers.values()) {
      if (ended || beat.draining || nowMs - seenAtMs >= GONE_MS) continue
      for (const offering of beat.offerings) if (isOf(offering, queue)) slots += offering.slots
    }
    return slots
  }

  /** Whether a worker that beat once has stopped. One that never beat is not known to be gone. */
  isGone(worker: WorkerId, nowMs: number): boolean {
    const seenAtMs = this.#workers.get(worker)?.seenAtMs
    return seenAtMs !== undefined && nowMs - seenAtMs >= GONE_MS
  }

  isLeaving(worker: WorkerId): boolean {
    return this.#workers.get(worker)?.beat.draining ?? false
  }

  /** Workers that beat lately, with their last beat. */
  workers(nowMs: number): { id: WorkerId; beat: Beat }[] {
    return [...this.#workers]
      .filter(([, { seenAtMs }]) => nowMs - seenAtMs < GONE_MS)
      .map(([id, { beat }]) => ({ id, beat }))
  }
}

const dialectOf = (echo: EchoModel): { dialect?: Dialect } =>
  echo.kind === 'chat' && echo.says ? { dialect: SAY_DIALECT } : {}

/** A queue serves the model of its name, or the echo models: no worker can draw another's traffic to its own queue. */
const mayOffer = ({ queue }: Offering, id: string): boolean =>
  queue === id || (queue === ECHO_QUEUE && parseEcho(id) !== undefined)

const isOf = (offering: Offering, queue: Queue): boolean =>
  offering.kind === queue.kind && offering.queue === queue.name

function known(id: string, offering: Offering, nowMs: number): Known {
  const { kind, createdAtMs, contextTokens, dialect, fingerprint } = offering
  return {
    served: {
      id,
      kind,
      createdAtMs,
      contextTokens,
      ...(dialect && { dialect }),
      ...(fingerprint !== undefined && { fingerprint }),
    },
    queue: { kind, name: offering.queue },
    seenAtMs: nowMs,
  }
}
