import type { BudgetId, GatewayId, JobId, WorkerId } from './ids.ts'
import { JobKind } from './job.ts'

/** Every NATS subject we speak. Nothing outside this file writes one by hand. */
export const subjects = {
  /** Accepted work. A worker pulls only the queues of the models it holds. */
  job: (queue: Queue) => `job.${queue.kind}.${token(queue.name)}` as const,
  /** The same, waiting for its turn at the gateway that it names: no worker pulls here. */
  held: (queue: Queue) => `held.${queue.kind}.${token(queue.name)}` as const,
  ledger: (id: JobId) => `ledger.${id}` as const,
  dead: (queue: Queue) => `dead.${queue.kind}.${token(queue.name)}` as const,
  /** A worker asks the gateway that admitted the job, or any, before it computes. */
  claim: (gateway: GatewayId | 'any', worker: WorkerId, id: JobId) =>
    `claim.${gateway}.${worker}.${id}` as const,
  claimsOf: (gateway: GatewayId | 'any') => `claim.${gateway}.*.*` as const,
  /** Frames of an answer. The worker is in the subject, so the server proves who speaks. */
  out: (worker: WorkerId, id: JobId) => `out.${worker}.${id}` as const,
  outOf: (id: JobId) => `out.*.${id}` as const,
  /** Input frames, for a job whose input is a stream. */
  in: (worker: WorkerId, id: JobId) => `in.${worker}.${id}` as const,
  inOf: (worker: WorkerId) => `in.${worker}.*` as const,
  /** cancel · credit */
  ctl: (worker: WorkerId) => `ctl.${worker}` as const,
  beat: (worker: WorkerId) => `beat.${worker}` as const,
  beats: 'beat.*',
  gatewayBeat: (gateway: GatewayId) => `gwbeat.${gateway}` as const,
  gatewayBeats: 'gwbeat.*',
  /** Who has this job, and may I read it from a position on? Every gateway hears it, and the one that has it answers. */
  read: (id: JobId) => `read.${id}` as const,
  reads: 'read.*',
  /** The whole of a finished answer. */
  answer: (id: JobId) => `answer.${id}` as const,
  /** Which job an idempotency key stands for. */
  idempotency: (hash: string) => `idem.${hash}` as const,
  /** What was asked of a stored response, and its answer: both go together. */
  responseAsked: (id: JobId) => `response.${id}.asked` as const,
  responseAnswer: (id: JobId) => `response.${id}.answer` as const,
  responseParts: (id: JobId) => `response.${id}.*` as const,
  /** An answer that may be given again to the same question of the same project. */
  cached: (project: string, hash: string) => `cache.${token(project)}.${hash}` as const,
  /** Connections that ended, imported from the system account. */
  poolDisconnects: 'sys.pool',
  edgeDisconnects: 'sys.edge',
  /** A key was created, changed or revoked: whoever caches it forgets it. */
  keyChanged: 'keys.changed',
  /** A price or a budget was changed. */
  moneyChanged: 'money.changed',
  /** A gateway could not lease what it needs of a budget: whoever holds some that it does not need gives it back. */
  budgetWanted: (budget: BudgetId) => `money.wanted.${budget}` as const,
  budgetsWanted: 'money.wanted.*',
  /** Where an acknowledgement for a delivery goes that was never seen: see `edge/jobs/watch.ts`. */
  unseenAck: (consumer: string, streamSeq: number, consumerSeq: number) =>
    `$JS.ACK.${JOBS}.${consumer}.1.${streamSeq}.${consumerSeq}.1.0` as const,
} as const

export const JOBS = 'JOBS'
export const LEDGER = 'LEDGER'
export const FRAMES = 'FRAMES'
export const ANSWERS = 'ANSWERS'
export const IDEMPOTENCY = 'IDEMPOTENCY'
export const RESPONSES = 'RESPONSES'
export const CACHE = 'CACHE'

/** The consumer of LEDGER that all gateways share, to write what was used where it is asked for. */
export const USAGE = 'usage'

/** Work of one kind for one model, or one family of models that any of its workers can serve. */
export interface Queue {
  kind: JobKind
  name: string
}

/** The durable consumer that shares a queue between its workers. */
export const consumerOf = (queue: Queue): string => `${queue.kind}-${token(queue.name)}`

/** The queue that a message of JOBS lies in. */
export const queueOf = (subject: string): Queue => ({
  kind: JobKind.parse(partOf(subject, 1)),
  name: nameIn(partOf(subject, 2)),
})

/** The three tokens after `claim.`, or the two after `out.`, as the ids the server has checked. */
export const partOf = (subject: string, index: number): string => subject.split('.')[index] ?? ''

/** `qwen3-0.6b` would be two tokens, and `/` no consumer name: what NATS gives a meaning becomes `=xx`. */
function token(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/gu, (char) =>
    Array.from(utf8.encode(char), (byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}

/** The other way. */
function nameIn(written: string): string {
  const bytes = Array.from(written.matchAll(/=([0-9a-f]{2})|[^=]/g), ([char, hex]) =>
    hex === undefined ? char.charCodeAt(0) : Number.parseInt(hex, 16),
  )
  return new TextDecoder().decode(new Uint8Array(bytes))
}

const utf8 = new TextEncoder()
