import type { Control } from '../../proto/control.ts'
import type { JobId } from '../../proto/ids.ts'
import type { InputFrame } from '../../proto/input.ts'
import type { Run, Stop } from './run.ts'

/** More than a gateway sends between an answer and the turn of the event loop in which we read it. */
const MAX_HELD = 1_024

/** Controls and input for a job that is being asked for. */
interface Held {
  askers: number
  controls: Control[]
  inputs: InputFrame[]
}

/** What runs here, by job: one run a job, and the way of every message to it. */
export class Runs {
  readonly #running = new Map<JobId, Run>()
  /** A `cancel` or an input can be in the same packet as the answer that grants the job, and is read before it. */
  readonly #held = new Map<JobId, Held>()
  #closed = false
  #emptied: (() => void) | undefined

  get size(): number {
    return this.#running.size
  }

  all(): Run[] {
    return [...this.#running.values()]
  }

  /** Keeps what comes for a job until it is granted or the returned function is called. */
  expect(id: JobId): () => void {
    const held = this.#held.get(id) ?? { askers: 0, controls: [], inputs: [] }
    held.askers += 1
    this.#held.set(id, held)
    return () => {
      held.askers -= 1
      if (held.askers === 0) this.#held.delete(id)
    }
  }

  /** Makes a run the one of its job, and stops the one before. False where that one is as new. */
  begin(run: Run): boolean {
    const { id } = run.offer.job
    const older = this.#running.get(id)
    if (this.#closed || (older && older.grant.epoch >= run.grant.epoch)) return false
    older?.stop('superseded')
    this.#running.set(id, run)
    const held = this.#held.get(id)
    for (const frame of held?.inputs ?? []) if (fits(run, frame.epoch)) run.input(frame)
    for (const control of held?.controls ?? []) obey(run, control)
    return true
  }

  end(run: Run): void {
    run.over = true
    const { id } = run.offer.job
    if (this.#running.get(id) === run) this.#running.delete(id)
    if (this.#running.size === 0) this.#emptied?.()
  }

  /** Resolves when nothing runs. */
  empty(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#emptied = resolve))
  }

  /** False where nobody here has that claim. */
  control(control: Control): boolean {
    const run = this.#running.get(control.job)
    if (run && obey(run, control)) return true
    return keep(this.#held.get(control.job)?.controls, control)
  }

  input(id: JobId, frame: InputFrame): boolean {
    const run = this.#running.get(id)
    if (!run || !fits(run, frame.epoch)) return keep(this.#held.get(id)?.inputs, frame)
    run.input(frame)
    return true
  }

  stopAll(why: Stop): void {
    for (const run of this.#running.values()) run.stop(why)
  }

  /** Stops everything, and lets nothing begin any more. */
  close(why: Stop): void {
    this.#closed = true
    this.stopAll(why)
  }
}

const fits = (run: Run, epoch: number): boolean => run.grant.epoch === epoch && !run.over

function obey(run: Run, control: Control): boolean {
  if (!fits(run, control.epoch) || control.secret !== run.grant.secret) return false
  if (control.type === 'cancel') run.stop('cancelled')
  else run.credit(control.upTo)
  return true
}

function keep<T>(held: T[] | undefined, item: T): boolean {
  if (!held || held.length >= MAX_HELD) return false
  held.push(item)
  return true
}
