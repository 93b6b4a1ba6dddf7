import { Priority } from '../../proto/job.ts'
import { TokenCounters, type Ticket } from './token-counters.ts'

/** A place in the queue, or in service. */
export interface Place<T> extends Ticket<T> {
  readonly priority: Priority
  phase: 'waiting' | 'served' | 'over'
  /** Whether it took a turn of its class: what found nobody waiting took none. */
  turn: boolean
}

/** Shares of the classes while all of them wait: each has half of the one before. */
export const WEIGHTS: Readonly<Record<Priority, number>> = { interactive: 8, default: 4, batch: 2 }

/** What a class may spend in one round, times its weight: some jobs of a few hundred tokens. */
export const QUANTUM_TOKENS = 512

const CLASSES = Priority.options

interface Class<T> {
  readonly tenants: TokenCounters<T>
  readonly quantum: number
  /** What it may still spend in this round. Below 0 after a job that cost more than was left. */
  deficit: number
}

/**
 * Who is next, of all that wait for one model. Between the classes by deficit round robin, in tokens (Shreedhar and Varghese,
 * SIGCOMM 1995; a class is served while it has something left, so no cost need be known to be affordable), within a
 * class by the tenants' token counters, within a tenant in order. It never refuses to give while something waits.
 */
export class FairQueue<T> {
  readonly #classes = Object.fromEntries(
    CLASSES.map((priority) => [
      priority,
      { tenants: new TokenCounters<T>(), quantum: WEIGHTS[priority] * QUANTUM_TOKENS, deficit: 0 },
    ]),
  ) as Record<Priority, Class<T>>
  #turn = 0
  #size = 0

  /** Jobs that wait. */
  get size(): number {
    return this.#size
  }

  sizeOf(priority: Priority): number {
    return this.#classes[priority].tenants.size
  }

  waitingOf(tenant: string): number {
    return CLASSES.reduce((sum, of) => sum + this.#classes[of].tenants.waitingOf(tenant), 0)
  }

  put(value: T, job: { tenant: string; priority: Priority; cost: number }): Place<T> {
    const place: Place<T> = { ...job, value, phase: 'waiting', turn: true }
    this.#classes[job.priority].tenants.put(place)
    this.#size++
    return place
  }

  /** Straight into service, past whoever waits. */
  pass(value: T, job: { tenant: string; priority: Priority; cost: number }): Place<T> {
    const { tenant, priority, cost } = job
    const place: Place<T> = { value, tenant, priority, cost, phase: 'served', turn: false }
    this.#classes[priority].tenants.pass(place)
    return place
  }

  take(): Place<T> | undefined {
    if (this.#size === 0) return undefined
    this.#spend()
    for (;;) {
      const current = this.#classes[CLASSES[this.#turn] ?? 'default']
      if (current.tenants.size > 0 && current.deficit > 0) {
        const place = current.tenants.take() as Place<T>
        place.phase = 'served'
        this.#size--
        current.deficit -= place.cost
        if (current.tenants.size === 0) settleUp(current)
        return place
      }
      this.#turn = (this.#turn + 1) % CLASSES.length
    }
  }

  /** What a job in service has cost so far, or in the end. */
  correct(place: Place<T>, cost: number): void {
    if (place.phase !== 'served' || cost === place.cost) return
    const { [place.priority]: of } = this.#classes
    if (place.turn) {
      of.deficit -= cost - place.cost
      if (of.tenants.size === 0) settleUp(of)
    }
    of.tenants.correct(place, cost)
  }

  /** It waits no longer, or is over. What it cost remains what was last said. */
  leave(place: Place<T>): void {
    const { tenants } = this.#classes[place.priority]
    if (place.phase === 'waiting') {
      tenants.remove(place)
      this.#size--
      if (tenants.size === 0) settleUp(this.#classes[place.priority])
    } else if (place.phase === 'served') tenants.end(place)
    place.phase = 'over'
  }

  /** How many come before the last job of a tenant in a class, by the shares of all who wait now. */
  aheadOfLast(tenant: string, priority: Priority): number {
    const ahead = this.#classes[priority].tenants.aheadOfLast(tenant)
    let others = 0
    for (const other of CLASSES)
      if (other !== priority) {
        const theirs = Math.ceil(((ahead + 1) * WEIGHTS[other]) / WEIGHTS[priority])
        others += Math.min(theirs, this.sizeOf(other))
      }
    return ahead + others
  }

  /** For whoever looks on. */
  *view() {
    for (const priority of CLASSES)
      for (const tenant of this.#classes[priority].tenants.view()) yield { priority, ...tenant }
  }

  /** Where no class that waits has anything left, as many rounds begin as give one of them something. */
  #spend(): void {
    let rounds = Number.POSITIVE_INFINITY
    for (const priority of CLASSES) {
      const { tenants, deficit, quantum } = this.#classes[priority]
      if (tenants.size > 0) rounds = Math.min(rounds, Math.floor(-deficit / quantum) + 1)
    }
    if (rounds <= 0) return
    for (const priority of CLASSES) {
      const one = this.#classes[priority]
      if (one.tenants.size > 0) one.deficit += rounds * one.quantum
    }
    this.#turn = 0
  }
}

/** Who waits for nothing saves nothing up; what was spent too much is remembered. */
function settleUp(of: Class<unknown>): void {
  of.deficit = Math.min(of.deficit, 0)
}
