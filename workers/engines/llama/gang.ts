import { setTimeout } from 'node:timers/promises'
import { Failure } from '../../../proto/failure.ts'
import type { Finish } from '../../../proto/frame.ts'
import { drawAt, drawWithin } from './draw.ts'
import type { Likely } from './likely.ts'
import type { Pacer } from './pacer.ts'
import type { ReadingRate } from './reading-rate.ts'
import type { Slot } from './slot.ts'
import type { Stream } from './stream.ts'

/** How long a turn may read prompts: little while others speak, for they wait; more while nobody does. */
const READ_BESIDE_MS = 30
const READ_ALONE_MS = 90
const SMOOTHING = 0.1

/** A slot as the gang uses it. */
export type Seat = Pick<Slot, 'usedAtMs' | 'shares' | 'keep' | 'read' | 'draw' | 'reset'>

export interface GangParts {
  slots: Seat[]
  pacer: Pacer
  rate: ReadingRate
  /** Reads prompts only in ways that round alike; see `Slot.shares`. */
  exact: boolean
  /** Reuses nothing of what a slot holds. */
  cold: boolean
  scoreOf: (likely: Likely) => Uint8Array
  /** Told when a slot could not be emptied after a failure. No step is under way then, and no more will come. */
  broken: (cause: unknown) => void
}

/**
 * One loop that makes every call into the model, so that streams step together and a free slot can be made ready while
 * others are busy: left to themselves, streams miss each other's batches and starve whoever needs the context's lock.
 */
export class Gang {
  readonly #parts: GangParts
  readonly #idle: Seat[]
  readonly #queue: Stream[] = []
  readonly #live = new Set<Stream>()
  readonly #loop: Promise<void>
  #wake: (() => void) | undefined
  #stirred = false
  #closing = false
  #stepMs = 0

  constructor(parts: GangParts) {
    this.#parts = parts
    this.#idle = [...parts.slots]
    this.#loop = this.#run()
  }

  get stepMs(): number {
    return Math.max(this.#stepMs, this.#parts.pacer.stepMs)
  }

  join(stream: Stream): void {
    if (this.#closing) {
      stream.free()
      stream.fail(closed())
      return
    }
    this.#queue.push(stream)
    this.wake()
  }

  /** Something changed: look again before you wait. */
  wake(): void {
    this.#stirred = true
    this.#wake?.()
  }

  /** Fails what is left, and waits for the step that is under way: the model must outlive it. */
  async close(): Promise<void> {
    this.#closing = true
    this.wake()
    await this.#loop
  }

  async #run(): Promise<void> {
    let last = closed
    try {
      while (!this.#closing) await this.#turn()
    } catch (cause) {
      this.#closing = true
      last = () => failed(cause)
      this.#parts.broken(cause)
    }
    for (const stream of [...this.#queue, ...this.#live]) {
      stream.free()
      stream.fail(last())
    }
  }

  async #turn(): Promise<void> {
    const startMs = performance.now()
    this.#stirred = false
    this.#dropTheLeft()
    await this.#admit()
    const readers = [...this.#live].filter((stream) => stream.reading)
    const speakers = [...this.#live].filter((stream) => !stream.reading && stream.hungry)
    const budgetMs = speakers.length > 0 ? READ_BESIDE_MS : READ_ALONE_MS
    for (const reader of readers)
      await this.#guard(reader, () => this.#read(reader, budgetMs / readers.length))

    const waitMs = speakers.length > 0 ? this.#parts.pacer.waitMs(performance.now()) : Infinity
    if (waitMs === 0) {
      await Promise.all(speakers.map((stream) => this.#guard(stream, () => this.#speak(stream))))
      const nowMs = performance.now()
      this.#parts.pacer.stepped(nowMs)
      this.#measured(nowMs - startMs)
    } else if (readers.length === 0) await this.#wait(waitMs)
  }

  #dropTheLeft(): void {
    const queued = this.#queue.splice(0)
    for (const stream of queued) {
      if (stream.left) stream.free()
      else this.#queue.push(stream)
    }
    for (const stream of this.#live) if (stream.left) this.#release(stream)
  }

  /** Seats whoever waits, each where most of its prompt is warm, and among equals where nobody sat for longest. */
  async #admit(): Promise<void> {
    const { exact, cold } = this.#parts
    while (this.#idle.length > 0) {
      const stream = this.#queue.shift()
      if (!stream) return
      const known = [...stream.batch, ...stream.single]
      const [best] = this.#idle
        .map((slot) => ({ slot, kept: cold ? 0 : slot.shares(known, exact) }))
        .toSorted((a, b) => b.kept - a.kept || a.slot.usedAtMs - b.slot.usedAtMs)
      if (!best) return
      this.#idle.splice(this.#idle.indexOf(best.slot), 1)
      this.#live.add(stream)
      await this.#guard(stream, async () => {
        stream.slot = best.slot
        stream.sit(best.slot.keep(keepable(stream, best.kept)))
        if (stream.reading) stream.progressed(performance.now())
      })
    }
  }

  async #read(stream: Stream, budgetMs: number): Promise<void> {
    const { slot, batch, single, done } = stream
    if (!slot) return
    const startMs = performance.now()
    if (done < batch.length) {
      const size = this.#parts.rate.chunk(budgetMs, batch.length - done)
      const tokens = batch.slice(done, done + size)
      stream.done += size
      if (!stream.reading && stream.answer.ids.length === 0) await this.#draw(stream, slot, tokens)
      else await slot.read(tokens)
      this.#parts.rate.learn(size, performance.now() - startMs)
    } else
      for (; stream.reading && performance.now() - startMs < budgetMs; stream.done++)
        await slot.read(single.slice(stream.done - batch.length, stream.done - batch.length + 1))
    if (stream.reading) stream.progressed(performance.now())
  }

  async #speak(stream: Stream): Promise<void> {
    if (stream.slot) await this.#draw(stream, stream.slot, stream.answer.ids.slice(-1))
  }

  async #draw(stream: Stream, slot: Seat, tokens: readonly number[]): Promise<void> {
    const { answer, sampling, constraint } = stream
    const free = drawAt(sampling, answer.ids)
    const how = constraint ? drawWithin(free, constraint.next()) : free
    const { token, likely } = await slot.draw(tokens, how, sampling.logprobs)
    constraint?.drew(token)
    const { text, finish, silent } = answer.take(token)
    if (!silent) stream.say(token, text, likely && this.#parts.scoreOf(likely))
    if (finish) this.#finish(stream, finish)
  }

  #finish(stream: Stream, finish: Finish): void {
    this.#release(stream)
    stream.end(finish)
  }

  #release(stream: Stream): void {
    const { slot } = stream
    this.#live.delete(stream)
    stream.free()
    if (!slot) return
    slot.usedAtMs = performance.now()
    this.#idle.push(slot)
  }

  /** A step that fails costs its stream, and its slot what it held. A slot that cannot even be emptied ends the loop. */
  async #guard(stream: Stream, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (cause) {
      try {
        stream.slot?.reset()
      } finally {
        this.#release(stream)
        stream.fail(cause instanceof Failure ? cause : failed(cause))
      }
    }
  }

  #measured(tookMs: number): void {
    this.#stepMs += this.#stepMs === 0 ? tookMs : SMOOTHING * (tookMs - this.#stepMs)
  }

  async #wait(ms: number): Promise<void> {
    if (this.#stirred) return
    const woken = new AbortController()
    const wake = (): void => woken.abort()
    this.#wake = wake
    if (ms === Infinity)
      await new Promise<void>((resolve) => woken.signal.addEventListener('abort', () => resolve()))
    else await setTimeout(ms, undefined, { signal: woken.signal }).catch(() => {})
    this.#wake = undefined
  }
}

/** What is left to read must hold a token to draw from, and never be a single one, which would be rounded differently. */
function keepable({ batch, answer }: Stream, kept: number): number {
  const most = answer.ids.length === 0 ? batch.length - 2 : batch.length
  const keep = Math.min(kept, Math.max(0, most))
  return batch.length - keep === 1 ? Math.max(0, keep - 1) : keep
}

const failed = (cause: unknown): Failure =>
  new Failure('engine_failed', 'The model failed while it computed this answer.', { cause })

const closed = (): Failure => new Failure('unavailable', 'The worker is shutting down.')
