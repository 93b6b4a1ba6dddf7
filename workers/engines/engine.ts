import type { Dialect } from '../../proto/calling.ts'
import type { Output } from '../../proto/frame.ts'
import type { Job, JobKind } from '../../proto/job.ts'

/** What an engine is asked to do: a job, from where others left it. */
export interface Task {
  job: Job
  /** Tokens (or blocks) already emitted: the first output continues there. */
  from: number
  /** The ids of those tokens. The engine replays them: sampler, stop strings and held-back bytes follow from them. */
  prefix: readonly number[]
  /** Blocks of a duplex job, in order, from the first that is not yet final. Empty for other jobs. */
  input: AsyncIterable<{ seq: number; bytes: Uint8Array }>
}

/** One model (or family) in memory. It knows nothing of queues, threads or the network. */
export interface Engine extends AsyncDisposable {
  readonly kind: JobKind
  /** How many jobs it runs at once. */
  readonly slots: number
  /** Tokens of prompt and answer together; 0 where there is no limit. */
  readonly contextTokens: number
  /** How its answers tell calls and thoughts. Absent where they tell neither. */
  readonly dialect?: Dialect
  /** Milliseconds between two tokens as measured so far, 0 before the first. */
  stepMs(): number
  /**
   * Yields outputs, `end` last. It is pulled: an engine runs no more than a few tokens ahead of its reader. Once
   * `signal` aborts it throws the signal's reason after at most one step, frees its slot and stays usable. Throws a
   * `Failure` that may be shown to the caller.
   */
  run(task: Task, signal: AbortSignal): AsyncIterable<Output>
}
