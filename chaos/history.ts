import { z } from 'zod'
import { FaultPlan } from './plan/faults.ts'
import { Params } from './plan/params.ts'
import { Ask, StreamPlan } from './plan/streams.ts'

/** Milliseconds since the run began, on a clock that only goes forward. */
const base = { tMs: z.number() }
const ofConnection = { ...base, stream: z.int(), connection: z.int() }
const role = z.enum(['launcher', 'gateway', 'worker', 'broker', 'database'])
export const Member = z.object({ role, name: z.string(), pid: z.int() })
export type Member = z.infer<typeof Member>

/** How a connection ended, as its client saw it. */
export const Ending = z.enum([
  /** `[DONE]` came. */
  'done',
  /** An error event came instead. */
  'error',
  /** The connection broke: no client takes that for an end. */
  'cut',
  /** The body ended in good order, without `[DONE]` and without an error: the one end that is never allowed. */
  'silent',
  /** Another status than 200. */
  'refused',
  /** No answer at all. */
  'unreachable',
  /** Nothing was heard for so long that the client went elsewhere. */
  'stalled',
  /** The client hung up, because it wanted to. */
  'left',
  /** The client let go of it, to come back. */
  'dropped',
])
export type Ending = z.infer<typeof Ending>

/** What the kernel said of a process: `gone`, or the letter of its state. `heard` where the server passed a late frame on. */
const seen = z.object({ state: z.string(), afterMs: z.number() })
export const Proof = z.object({ struck: seen, resumed: seen.nullable() })
export type Proof = z.infer<typeof Proof>

const Span = z.object({ epoch: z.int(), from: z.int(), worker: z.string() })

/** The fields of a LEDGER record that the rules speak of. */
export const LedgerView = z.object({
  type: z.string(),
  gateway: z.string(),
  spans: z.array(Span).default([]),
  outcome: z.string().optional(),
  finish: z.string().nullish(),
  usage: z.object({ completionTokens: z.int() }).optional(),
})
export type LedgerView = z.infer<typeof LedgerView>

/** One line of a history. `HISTORY.md` says what each is, and what may be concluded from it. */
export const HistoryEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run'), ...base, version: z.literal(1), params: Params }),
  z.object({ type: z.literal('oracle'), ...base, ask: Ask, text: z.string(), tokens: z.int() }),
  z.object({ type: z.literal('calm'), ...base }),
  z.object({ type: z.literal('request'), ...base, plan: StreamPlan }),
  z.object({
    type: z.literal('opened'),
    ...ofConnection,
    purpose: z.enum(['ask', 'resume', 'replay']),
    gateway: z.string(),
    /** The position it asked to go on from. */
    after: z.int().nullable(),
    job: z.string().nullable(),
    replayed: z.boolean(),
  }),
  z.object({
    type: z.literal('event'),
    ...ofConnection,
    text: z.string(),
    /** n of `id: <job>:<n>`. */
    position: z.int().nullable(),
    finish: z.string().nullable(),
    completionTokens: z.int().nullable(),
  }),
  z.object({
    type: z.literal('closed'),
    ...ofConnection,
    gateway: z.string(),
    how: Ending,
    status: z.int().nullable(),
    code: z.string().nullable(),
  }),
  z.object({ type: z.literal('cancelled'), ...base, stream: z.int(), status: z.int().nullable() }),
  z.object({
    type: z.literal('fault'),
    ...base,
    plan: FaultPlan,
    name: z.string(),
    pid: z.int(),
    untilMs: z.number(),
    /** Nothing where the effect was not seen. */
    proof: Proof.nullable(),
  }),
  z.object({ type: z.literal('skipped'), ...base, plan: FaultPlan, why: z.string() }),
  z.object({
    type: z.literal('published'),
    ...base,
    job: z.string(),
    model: z.string(),
    seed: z.int().nullable(),
  }),
  /** All frames of one epoch of a job, as they passed on the wire: positions `from` to `to`, `to` left out. */
  z.object({
    type: z.literal('wire'),
    ...base,
    job: z.string(),
    worker: z.string(),
    epoch: z.int(),
    from: z.int(),
    to: z.int(),
    frames: z.int(),
    whole: z.boolean(),
    /** Frames that the run itself said in this worker's name: see `late`. */
    marked: z.int(),
    lastMs: z.number(),
  }),
  z.object({
    type: z.literal('ledger'),
    ...base,
    seq: z.int(),
    job: z.string(),
    record: LedgerView,
  }),
  z.object({ type: z.literal('probe'), ...base, worker: z.string(), freeMs: z.number() }),
  z.object({
    type: z.literal('stream'),
    ...base,
    when: z.enum(['before', 'after']),
    name: z.string(),
    messages: z.int(),
    consumers: z.array(z.object({ name: z.string(), pending: z.int(), unacknowledged: z.int() })),
  }),
  z.object({
    type: z.literal('metrics'),
    ...base,
    when: z.enum(['before', 'after']),
    of: Member,
    values: z.record(z.string(), z.number()),
  }),
  z.object({
    type: z.literal('subscriptions'),
    ...base,
    when: z.enum(['before', 'after']),
    user: z.string(),
    /** Without those that wait for replies. */
    subjects: z.array(z.string()),
  }),
  z.object({
    type: z.literal('memory'),
    ...base,
    when: z.enum(['before', 'during', 'after']),
    of: Member,
    rssBytes: z.number(),
  }),
  z.object({ type: z.literal('stopped'), ...base, left: z.array(z.string()) }),
  z.object({ type: z.literal('over'), ...base }),
])
export type HistoryEvent = z.infer<typeof HistoryEvent>

/** The events of one type. */
export type Of<T extends HistoryEvent['type']> = Extract<HistoryEvent, { type: T }>
