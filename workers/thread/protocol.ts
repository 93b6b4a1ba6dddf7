import type { EngineSpec } from '../engines/engine-spec.ts'
import type { LaneTask } from '../lanes/lane.ts'
import type { Dialect } from '../../proto/calling.ts'
import type { FailureBody } from '../../proto/failure.ts'
import type { Output } from '../../proto/frame.ts'
import type { InputFrame } from '../../proto/input.ts'
import type { JobKind } from '../../proto/job.ts'
import type { MessagePort } from 'node:worker_threads'

/** The one Piscina task of a thread's life: load an engine, then serve `port` until it is told to shut down. */
export interface ThreadTask {
  spec: EngineSpec
  /** One port for every run: two ports have no order between them, and an end could overtake its tokens. */
  port: MessagePort
}

/** Owner to thread. `run` is a number the owner gave. Cancel is a message: Piscina's own abort kills the thread. */
export type ToThread =
  | { type: 'start'; run: number; task: LaneTask }
  | { type: 'credit'; run: number; upTo: number }
  | { type: 'input'; run: number; frame: InputFrame }
  | { type: 'cancel'; run: number }
  | { type: 'shutdown' }

/** Thread to owner: `ready` once, then whatever came together, all runs in one message. */
export type FromThread =
  | ({ type: 'ready'; stepMs: number } & Loaded)
  | { type: 'batch'; stepMs: number; runs: RunBatch[] }

/** What an engine says of itself once it is in memory. */
export interface Loaded {
  kind: JobKind
  slots: number
  contextTokens: number
  dialect?: Dialect
}

/** `over` is the last word on a run, after which its slot is free. */
export interface RunBatch {
  run: number
  outputs: Output[]
  over?: Ended
}

/** Errors cross as data: a cloned `Failure` is no longer one. `story` is its cause, for our logs. */
export interface Ended {
  failure: FailureBody | null
  story: string | null
}
