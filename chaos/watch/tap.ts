import { connect, type NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { frameHead } from '../../proto/frame.ts'
import { partOf } from '../../proto/subjects.ts'
import type { History } from '../history-file.ts'
import { isMarked } from '../faults/mark.ts'

const Job = z.object({
  id: z.string(),
  model: z.string(),
  sampling: z.object({ seed: z.int() }).optional(),
})

/** What passed of one epoch of a job. */
interface Passed {
  job: string
  worker: string
  epoch: number
  from: number
  to: number
  frames: number
  /** No position was left out or said twice. */
  whole: boolean
  /** Frames that we said in its name. */
  marked: number
  lastMs: number
}

/** A job that moved and is not over: who had it before, and the position that comes next. */
export interface Moved {
  job: string
  before: { worker: string; epoch: number }
  next: number
}

/** Hears on the wire what workers and gateways say, as an operator may: it counts what no reader is shown. */
export class Tap implements AsyncDisposable {
  readonly nc: NatsConnection
  readonly #history: History
  readonly #jobs = new Map<string, { epochs: Map<string, Passed>; last: Passed; over: boolean }>()
  readonly #waiting: (() => void)[] = []

  private constructor(nc: NatsConnection, history: History) {
    this.nc = nc
    this.#history = history
  }

  static async open(url: string, history: History): Promise<Tap> {
    const nc = await connect({
      ...connectionOptions(url),
      name: 'chaos',
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    })
    const tap = new Tap(nc, history)
    nc.subscribe('out.*.*', { callback: (_, msg) => tap.#frame(msg.subject, msg.data) })
    nc.subscribe('job.>', { callback: (_, msg) => tap.#job(msg.string()) })
    await nc.flush()
    return tap
  }

  /** Who spoke last for a job. */
  workerOf(job: string): string | undefined {
    return this.#jobs.get(job)?.last.worker
  }

  moved(): Moved[] {
    const moved: Moved[] = []
    for (const [job, { epochs, last, over }] of this.#jobs) {
      const before = [...epochs.values()].findLast(({ epoch }) => epoch < last.epoch)
      if (before && !over) moved.push({ job, before, next: last.to })
    }
    return moved
  }

  /** Resolves when the next marked frame has come back from the server. */
  heardMarked(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Writes what passed so far. Once, at the end. */
  write(): void {
    for (const { epochs } of this.#jobs.values())
      for (const passed of epochs.values()) this.#history.add({ type: 'wire', ...passed })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nc.close()
  }

  #job(text: string): void {
    const { id, model, sampling } = Job.parse(JSON.parse(text))
    this.#history.add({ type: 'published', job: id, model, seed: sampling?.seed ?? null })
  }

  #frame(subject: string, bytes: Uint8Array): void {
    const head = frameHead(bytes)
    if (!head) return
    const [worker, job] = [partOf(subject, 1), partOf(subject, 2)]
    const { epoch, seq, count, kind } = head
    const first = nothingOf({ job, worker, epoch, from: seq })
    const known = this.#jobs.get(job) ?? { epochs: new Map(), last: first, over: false }
    this.#jobs.set(job, known)
    const passed = known.epochs.get(`${epoch} ${worker}`) ?? first
    known.epochs.set(`${epoch} ${worker}`, passed)
    if (isMarked(bytes)) {
      passed.marked++
      this.#waiting.shift()?.()
      return
    }
    passed.whole &&= seq === passed.to
    passed.to = Math.max(passed.to, seq + count)
    passed.frames++
    passed.lastMs = this.#history.nowMs
    if (epoch >= known.last.epoch) known.last = passed
    known.over ||= kind === 'end'
  }
}

const nothingOf = (of: Pick<Passed, 'job' | 'worker' | 'epoch' | 'from'>): Passed => ({
  ...of,
  to: of.from,
  frames: 0,
  whole: true,
  marked: 0,
  lastMs: 0,
})
