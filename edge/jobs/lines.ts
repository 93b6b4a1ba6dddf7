import type { LiveJob } from './live-job.ts'
import { costOf, promptGuess } from '../queue/cost.ts'
import { Line, type Comer } from '../queue/line.ts'
import { Priority } from '../../proto/job.ts'
import type { Queue } from '../../proto/subjects.ts'
import type { QueueView } from '../../proto/queues.ts'
import { monotonicMs } from '../clock.ts'
import { waitHistograms } from '../queue/wait-histograms.ts'

/** A job that waits in memory, as it will be written to JOBS. */
export interface Waiting {
  live: LiveJob
  body: Uint8Array
}

interface LinesOptions {
  /** Slots of all workers of a queue. */
  slots: (queue: Queue) => number
  /** Gateways that live, this one among them. */
  gateways: () => number
  connected: () => boolean
  /** Writes a job to JOBS: its turn has come. */
  offer: (waiting: Waiting) => void
}

interface One {
  queue: Queue
  line: Line<Waiting>
}

/** How many slots there are is looked at this often where nobody waits, and else with every tick. */
const MEASURE_MS = 200
/** Of each measure of how long the way to JOBS takes, this share is believed. */
const LEARNING = 1 / 8

/** The lines of this gateway, one a queue, and who is offered next in each. */
export class Lines {
  readonly histograms = waitHistograms()
  readonly #options: LinesOptions
  readonly #lines = new Map<string, One>()
  #measuredAtMs = 0

  constructor(options: LinesOptions) {
    this.#options = options
  }

  /** Gives a job its place: to be written to JOBS at once, or to wait. Throws where it would wait in vain. */
  enter(live: LiveJob, body: Uint8Array): void {
    const one = this.#of(live)
    const comer = comerOf(live, body.byteLength)
    live.seat = one.line.enter({ live, body }, comer, monotonicMs())
  }

  /** One that another gateway had accepted, and that is ours now. */
  adopt(live: LiveJob, body: Uint8Array): void {
    const { line } = this.#of(live)
    const nowMs = monotonicMs()
    const comer = comerOf(live, body.byteLength)
    const what = { live, body }
    live.seat = live.heldSeq
      ? line.wait(what, comer, nowMs)
      : line.join(what, comer, nowMs, live.holder ? 'held' : 'offered')
  }

  claimed(live: LiveJob): void {
    const { seat } = live
    if (!seat) return
    const one = this.#of(live)
    if (seat.queued && seat.stage === 'offered') {
      const waitedMs = monotonicMs() - seat.enteredAtMs
      const { etaMs } = seat.queued
      const labels = { queue: live.queue.name, class: live.job.priority }
      this.histograms.wait.observe(labels, waitedMs / 1000)
      if (etaMs !== undefined)
        this.histograms.etaError.observe(labels, Math.abs(waitedMs - etaMs) / 1000)
    }
    one.line.claimed(seat)
    this.#offer(one)
  }

  returned(live: LiveJob): void {
    if (live.seat) this.#of(live).line.returned(live.seat)
  }

  /** It is over, here at least. */
  left(live: LiveJob): void {
    const { seat } = live
    if (!seat || seat.stage === 'over') return
    const one = this.#of(live)
    one.line.fair.correct(seat.place, costSoFar(live))
    one.line.leave(seat, monotonicMs())
    this.#offer(one)
  }

  /** How long a job took from here to JOBS. */
  offered({ consumer }: LiveJob, tookMs: number): void {
    const line = this.#lines.get(consumer)?.line
    if (line) line.offeringMs += (tookMs - line.offeringMs) * LEARNING
  }

  /** Time passes: workers and gateways come and go. */
  tick(nowMs: number): void {
    const measuring = nowMs - this.#measuredAtMs >= MEASURE_MS
    if (measuring) this.#measuredAtMs = nowMs
    for (const [name, one] of this.#lines) {
      const { fair, offered, held, slots } = one.line
      if (measuring || fair.size > 0) this.#measure(one)
      if (fair.size > 0) this.#offer(one)
      else if (measuring && offered + held + slots === 0) this.#lines.delete(name)
    }
  }

  /** What it has cost so far is charged while it runs. */
  count(live: LiveJob): void {
    const { seat } = live
    if (seat?.stage !== 'held') return
    this.#of(live).line.fair.correct(seat.place, costSoFar(live))
  }

  /** Jobs that wait in memory. */
  *waitingByClass(): Generator<{ queue: string; priority: Priority; waiting: number }> {
    for (const { queue, line } of this.#lines.values())
      for (const priority of Priority.options)
        yield { queue: queue.name, priority, waiting: line.fair.sizeOf(priority) }
  }

  *views(nowMs: number): Generator<QueueView> {
    for (const { queue, line } of this.#lines.values()) {
      const intervalMs = line.intervalMs(nowMs)
      yield {
        kind: queue.kind,
        queue: queue.name,
        waiting: line.fair.size,
        offered: line.offered,
        running: line.held,
        slots: line.slots,
        window: line.windowAt(nowMs),
        intervalMs: intervalMs === undefined ? null : Math.round(intervalMs),
        tenants: [...line.fair.view()].map(({ tenant, priority, waiting, served, counter }) => ({
          project: tenant,
          class: priority,
          waiting,
          served,
          counter: Math.round(counter),
        })),
      }
    }
  }

  #of({ consumer, queue }: LiveJob): One {
    const known = this.#lines.get(consumer)
    if (known) return known
    const one = { queue, line: new Line<Waiting>() }
    this.#lines.set(consumer, one)
    this.#measure(one)
    return one
  }

  #measure({ queue, line }: One): void {
    line.slots = this.#options.slots(queue)
    line.gateways = this.#options.gateways()
  }

  #offer({ line }: One): void {
    if (line.fair.size === 0 || !this.#options.connected()) return
    const nowMs = monotonicMs()
    for (let seat = line.next(nowMs); seat; seat = line.next(nowMs)) this.#options.offer(seat.value)
  }
}

function comerOf({ job }: LiveJob, bytes: number): Comer {
  const { tenant, priority } = job
  // Tokens of the answer are charged as they come: whoever comes meanwhile is not set back by what was guessed too high.
  const cost = costOf(promptGuess(job), 0)
  return { tenant, priority, cost, bytes, leftMs: job.deadlineAtMs - Date.now() }
}

/** One that nobody began costs nothing. */
const costSoFar = ({ epoch, job, prompt, usage }: LiveJob): number =>
  epoch === 0 ? 0 : costOf(prompt?.promptTokens ?? promptGuess(job), usage.completionTokens)
