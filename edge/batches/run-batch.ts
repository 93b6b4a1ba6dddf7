import type { GatewayId } from '../../proto/ids.ts'
import type { BatchLine } from '../../proto/openai/batches.ts'
import type { Files, Log } from '../ports.ts'
import type { BatchChange, BatchWork, HeldBatch } from './batch-work.ts'
import { carryOut, type Send } from './carry-out.ts'
import { linesOf, readLine } from './lines.ts'
import { expired, isFine, NEVER_SENT, resultsOf } from './results.ts'
import { validate } from './validate.ts'

/** Requests of one batch at a time: enough to fill a worker's slots; its fair share is the queue's to give. */
const AT_ONCE = 16
const RENEW_MS = 2_000

export interface RunOptions {
  work: BatchWork
  files: Pick<Files, 'read' | 'put'>
  holder: GatewayId
  send: (batch: HeldBatch) => Send
  log: Log
  /** Aborted when this gateway stops: another goes on. */
  signal: AbortSignal
}

type Stopped = 'lost' | 'leaving' | 'cancelled' | 'expired'

/** Why a run stops before it is done, as the reason of its signal. */
class Stop extends Error {
  override readonly name = 'Stop'
  readonly why: Stopped

  constructor(why: Stopped) {
    super(why)
    this.why = why
  }
}

/** Carries out a batch from where it was left, by whomever. What it says of it is written only while it holds the lease. */
export class BatchRun {
  readonly #options: RunOptions
  readonly #batch: HeldBatch
  readonly #stop = new AbortController()
  #completed = 0
  #failed = 0

  constructor(batch: HeldBatch, options: RunOptions) {
    this.#batch = batch
    this.#options = options
  }

  async run(): Promise<void> {
    const { signal } = this.#options
    const leave = (): void => this.#stop.abort(new Stop('leaving'))
    signal.addEventListener('abort', leave, { once: true })
    const renewing = setInterval(() => void this.look(), RENEW_MS)
    try {
      const why = await this.#work()
      if (why === 'lost') return
      if (why === 'leaving') {
        await this.#options.work.release(this.#batch.id, this.#options.holder)
        return
      }
      await this.#finish(why)
    } finally {
      clearInterval(renewing)
      signal.removeEventListener('abort', leave)
    }
  }

  /** Renews the lease, and hears whether somebody cancelled it. */
  async look(): Promise<void> {
    try {
      const held = await this.#hold({ completed: this.#completed, failed: this.#failed })
      if (!held) this.#stop.abort(new Stop('lost'))
      else if (held.status === 'cancelling') this.#stop.abort(new Stop('cancelled'))
      else if (Date.now() > held.expiresAt.getTime()) this.#stop.abort(new Stop('expired'))
    } catch (cause) {
      this.#options.log.warn({ batch: this.#batch.id, cause }, 'a batch could not be renewed yet')
    }
  }

  async #work(): Promise<Stopped | 'done' | 'invalid'> {
    const { status } = this.#batch
    if (status === 'finalizing') return 'done'
    if (status === 'cancelling') return 'cancelled'
    if (Date.now() > this.#batch.expiresAt.getTime()) return 'expired'
    try {
      if (status === 'validating' && !(await this.#validate())) return 'invalid'
      await this.#carryOutAll()
      return 'done'
    } catch (thrown) {
      if (thrown instanceof Stop) return thrown.why
      throw thrown
    }
  }

  async #validate(): Promise<boolean> {
    const { files } = this.#options
    const found = await validate(files.read(this.#batch.inputFile), this.#batch.endpoint)
    const now = new Date()
    const change: BatchChange =
      'errors' in found
        ? { status: 'failed', failedAt: now, errors: found.errors }
        : { status: 'in_progress', inProgressAt: now, total: found.total }
    if (!(await this.#hold(change))) throw new Stop('lost')
    return 'total' in found
  }

  async #carryOutAll(): Promise<void> {
    const { work, files, send } = this.#options
    const { id, inputFile, endpoint } = this.#batch
    const done = new Set<number>()
    for (const { line, status } of await work.done(id)) {
      done.add(line)
      this.#count(status)
    }
    const sending = send(this.#batch)
    const running = new Set<Promise<void>>()
    let failure: unknown
    for await (const line of linesOf(files.read(inputFile))) {
      if (done.has(line.line)) continue
      const read = readLine(line, endpoint)
      if ('error' in read) continue
      if (this.#stop.signal.aborted || failure !== undefined) break
      const one = this.#carryOut(sending, line.line, read.request)
        .catch((thrown: unknown) => void (failure ??= thrown))
        .finally(() => running.delete(one))
      running.add(one)
      if (running.size >= AT_ONCE) await Promise.race(running)
    }
    await Promise.all(running)
    this.#stop.signal.throwIfAborted()
    if (failure !== undefined) throw failure
  }

  async #carryOut(send: Send, line: number, request: BatchLine): Promise<void> {
    const { id } = this.#batch
    const { signal } = this.#stop
    const { status, result } = await carryOut(send, { batch: id, line, request }, signal)
    await this.#options.work.putResult(id, { line, status, result })
    this.#count(status)
  }

  async #finish(why: 'done' | 'invalid' | 'cancelled' | 'expired'): Promise<void> {
    if (why === 'invalid') return
    const { work } = this.#options
    const { id, outputFile, errorFile } = this.#batch
    const finalizing: BatchChange =
      why === 'cancelled' ? {} : { status: 'finalizing', finalizingAt: new Date() }
    if (!(await this.#hold(finalizing))) return
    if (why === 'expired') await this.#expire()
    const counts = await this.#counts()
    if (counts.completed > 0) await this.#file(outputFile, 'output', isFine)
    if (counts.failed > 0) await this.#file(errorFile, 'errors', (status) => !isFine(status))
    const now = new Date()
    const over: Record<typeof why, BatchChange> = {
      done: { status: 'completed', completedAt: now },
      cancelled: { status: 'cancelled', cancelledAt: now },
      expired: { status: 'expired', expiredAt: now },
    }
    if (await this.#hold({ ...counts, ...over[why] })) await work.forgetResults(id)
  }

  /** Every request that was not carried out gets its line of the error file. */
  async #expire(): Promise<void> {
    const { work, files } = this.#options
    const { id, inputFile, endpoint } = this.#batch
    const done = new Set((await work.done(id)).map(({ line }) => line))
    for await (const line of linesOf(files.read(inputFile))) {
      const read = readLine(line, endpoint)
      if (done.has(line.line) || 'error' in read) continue
      const result = expired(id, line.line, read.request)
      await work.putResult(id, { line: line.line, status: NEVER_SENT, result })
    }
  }

  async #counts(): Promise<{ completed: number; failed: number }> {
    const done = await this.#options.work.done(this.#batch.id)
    const completed = done.filter(({ status }) => isFine(status)).length
    return { completed, failed: done.length - completed }
  }

  async #file(
    id: HeldBatch['outputFile'],
    name: string,
    wanted: (status: number) => boolean,
  ): Promise<void> {
    const { work, files } = this.#options
    const batch = this.#batch
    const head = {
      id,
      filename: `${batch.id}_${name}.jsonl`,
      purpose: 'batch_output',
      expiresAtMs: null,
    } as const
    await files.put(batch.project, head, resultsOf(work, batch.id, wanted))
  }

  #count(status: number): void {
    if (isFine(status)) this.#completed++
    else this.#failed++
  }

  #hold(change?: BatchChange): Promise<HeldBatch | undefined> {
    const { work, holder } = this.#options
    return work.hold({ id: this.#batch.id, holder }, change)
  }
}
