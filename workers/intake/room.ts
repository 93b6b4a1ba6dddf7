import { setTimeout as sleep } from 'node:timers/promises'
import type { Lane } from '../lanes/lane.ts'

const FIRST_LOOK_MS = 5
const LAST_LOOK_MS = 100

/**
 * The free slots of a lane, less those that are already pulled for. Counting our own runs is not enough: a run that was
 * stopped leaves its slot a step later, and a lane whose thread died has none until it is loaded again.
 */
export class Room {
  readonly #lane: Lane
  #reserved = 0

  constructor(lane: Lane) {
    this.#lane = lane
  }

  /** Reserves a slot as soon as there is one. False where `giveUp` said so first. */
  async enter(giveUp: () => boolean): Promise<boolean> {
    for (let lookMs = FIRST_LOOK_MS; !giveUp(); lookMs = Math.min(lookMs * 2, LAST_LOOK_MS)) {
      if (this.#lane.offering().free > this.#reserved) {
        this.#reserved += 1
        return true
      }
      await sleep(lookMs)
    }
    return false
  }

  /** Ends a reservation: the slot is used now, or is not wanted. */
  leave(): void {
    this.#reserved -= 1
  }
}
