import type { Offering } from '../../proto/beat.ts'
import type { Output } from '../../proto/frame.ts'
import type { InputFrame } from '../../proto/input.ts'
import type { Job } from '../../proto/job.ts'

/** A granted claim, as a lane needs it. */
export interface LaneTask {
  job: Job
  from: number
  prefix: readonly number[]
  /** Outputs may reach, but not pass, this position until `credit` raises it. */
  credit: number
  inputFrom: number
}

/** A job that runs in a lane. Iterated once; ending the loop early cancels the job and frees its slot. */
export interface LaneRun extends AsyncIterable<readonly Output[]> {
  /** Raises how far the answer may run. Absolute: a lower or repeated value does nothing. */
  credit(upTo: number): void
  /** The next frame of the job's input stream. Repeated and stale ones are ignored by number. */
  input(frame: InputFrame): void
}

/** An engine behind its thread: what intake pulls work for. */
export interface Lane extends AsyncDisposable {
  /** Inventory as of now, for the beat. */
  offering(): Offering
  /** Batches of outputs that came together, `end` last. Throws a `Failure`; `engine_failed` if the thread died. */
  run(task: LaneTask, signal: AbortSignal): LaneRun
}
