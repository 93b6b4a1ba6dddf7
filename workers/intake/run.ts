import type { Grant } from '../../proto/claim.ts'
import type { InputFrame } from '../../proto/input.ts'
import type { Lane, LaneRun } from '../lanes/lane.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { Offer } from './read-offer.ts'

/** Why a run was ended from outside. Only `expired` is told to the gateway: it knows, or will see, the others. */
export type Stop = 'cancelled' | 'superseded' | 'refused' | 'disconnected' | 'drained' | 'expired'

/** A job of ours under one grant: it hears from its gateway before its engine starts, and until it ends. */
export class Run {
  readonly offer: Offer
  readonly grant: Grant
  readonly frames: FrameWriter
  readonly #abort = new AbortController()
  readonly #early: InputFrame[] = []
  #lane: LaneRun | undefined
  #upTo: number
  /** When something last came from the gateway or went to it. */
  #movedAtMs = Date.now()
  stopped: Stop | undefined
  over = false
  /** It asks whether it is still ours. */
  asking = false
  /** The same job under a newer grant, to be run in the same slot. */
  successor: Run | undefined

  constructor(offer: Offer, grant: Grant, frames: FrameWriter) {
    this.offer = offer
    this.grant = grant
    this.frames = frames
    this.#upTo = grant.credit
  }

  start(lane: Lane): LaneRun {
    const { from, prefix, inputFrom } = this.grant
    const task = { job: this.offer.job, from, prefix, credit: this.#upTo, inputFrom }
    this.#lane = lane.run(task, this.#abort.signal)
    for (const frame of this.#early.splice(0)) this.#lane.input(frame)
    return this.#lane
  }

  stop(why: Stop): void {
    if (this.stopped || this.over) return
    this.stopped = why
    this.#abort.abort()
  }

  credit(upTo: number): void {
    this.moved()
    if (upTo <= this.#upTo) return
    this.#upTo = upTo
    this.#lane?.credit(upTo)
  }

  input(frame: InputFrame): void {
    this.moved()
    if (this.#lane) this.#lane.input(frame)
    else this.#early.push(frame)
  }

  moved(): void {
    this.#movedAtMs = Date.now()
  }

  /** How long it has waited for something that only its gateway can give; 0 while it has work to do. */
  waitedMs(nowMs: number): number {
    const waits = this.frames.next >= this.#upTo || this.offer.job.kind === 'duplex'
    return waits && !this.over ? nowMs - this.#movedAtMs : 0
  }
}
