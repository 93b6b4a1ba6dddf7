import { setTimeout as sleep } from 'node:timers/promises'
import type { Offering } from '../../../proto/beat.ts'
import type { Output } from '../../../proto/frame.ts'
import type { InputFrame } from '../../../proto/input.ts'
import type { Lane, LaneRun, LaneTask } from '../../lanes/lane.ts'
import { Mailbox } from '../../thread/mailbox.ts'

/** A lane whose engine is the test: it says what it is told to say, and remembers what it was asked. */
export class HandLane implements Lane {
  readonly runs: HandRun[] = []
  readonly #identity: Pick<Offering, 'kind' | 'queue' | 'slots'>
  /** Its thread died, and is not loaded again yet. */
  dead = false

  constructor(identity: Pick<Offering, 'kind' | 'queue' | 'slots'>) {
    this.#identity = identity
  }

  offering(): Offering {
    const { slots } = this.#identity
    const free = this.dead ? 0 : slots - this.runs.filter((run) => !run.free).length
    const rest = { models: ['by-hand'], contextTokens: 0, stepMs: 0, createdAtMs: 0 }
    return { ...this.#identity, ...rest, free }
  }

  run(task: LaneTask, signal: AbortSignal): HandRun {
    const run = new HandRun(task, signal)
    this.runs.push(run)
    return run
  }

  /** The run that was started as the n-th, once it is. */
  async nth(n: number): Promise<HandRun> {
    for (;;) {
      const run = this.runs[n]
      if (run) return run
      await sleep(2)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.runs) run.fail(new Error('the lane is disposed'))
  }
}

export class HandRun implements LaneRun {
  readonly task: LaneTask
  readonly signal: AbortSignal
  readonly inputs: InputFrame[] = []
  readonly #batches = new Mailbox<readonly Output[]>()
  upTo: number
  free = false
  /** Whether its slot is still taken after an abort, until the test says otherwise. */
  clings = false

  constructor(task: LaneTask, signal: AbortSignal) {
    this.task = task
    this.signal = signal
    this.upTo = task.credit
    signal.addEventListener('abort', () => this.fail(signal.reason), { once: true })
  }

  credit(upTo: number): void {
    this.upTo = Math.max(this.upTo, upTo)
  }

  input(frame: InputFrame): void {
    this.inputs.push(frame)
  }

  /** One batch. */
  say(...batch: Output[]): void {
    this.#batches.put(batch)
  }

  /** Tokens whose ids and texts are numbers from `from` on, as one output. */
  tokens(from: number, count: number): void {
    this.say(tokensOf(from, count))
  }

  end(): void {
    this.say({ kind: 'end', finish: 'stop', promptTokens: 3, cachedTokens: 0 })
    this.free = true
    this.#batches.close()
  }

  fail(thrown: unknown): void {
    this.free = !this.clings
    this.#batches.fail(thrown)
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Output[]> {
    return this.#batches[Symbol.asyncIterator]()
  }
}

export function tokensOf(from: number, count: number): Extract<Output, { kind: 'tokens' }> {
  const ids = Array.from({ length: count }, (_, i) => from + i)
  return { kind: 'tokens', ids, texts: ids.map((id) => `${id} `) }
}
