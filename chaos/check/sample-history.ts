import { echoToken } from '../../proto/echo.ts'
import type { HistoryEvent, Member, Proof } from '../history.ts'
import { planFaults, type FaultPlan } from '../plan/faults.ts'
import type { Params } from '../plan/params.ts'
import { BUILT_IN_ASKS, type Ask, type StreamPlan } from '../plan/streams.ts'

const PARAMS: Params = {
  seed: 3,
  streams: 4,
  minutes: 0.2,
  workers: 2,
  gateways: 2,
  faults: ['workers', 'gateways'],
  resumable: 0.5,
  fenced: true,
}
const GATEWAYS = ['http://127.0.0.1:1', 'http://127.0.0.1:2']
const STORY = 'Once upon a token.'
export const TOKENS = 4
const [SAID] = BUILT_IN_ASKS
const echo = (seed: number): Ask => ({ ...SAID, model: `echo-${TOKENS}-5-0`, seed })
export const word = (seed: number, position: number): string => echoToken(seed, position).text

const base: Omit<StreamPlan, 'stream' | 'ask'> = {
  atMs: 10,
  gateway: 0,
  resumable: false,
  idempotencyKey: null,
  leavesAfter: null,
  drops: null,
  resumesBy: 'after',
}

/** A short run by hand in which all that is allowed happens, and nothing else. Each test breaks a copy of it. */
export function sampleHistory(): HistoryEvent[] {
  return [
    { type: 'run', tMs: 0, version: 1, params: PARAMS },
    { type: 'oracle', tMs: 1, ask: SAID, text: STORY, tokens: 3 },
    ...standing('before'),
    { type: 'stream', tMs: 6, when: 'before', name: 'JOBS', messages: 0, consumers: [consumer()] },
    { type: 'calm', tMs: 9 },
    ...faultsOf(),
    ...movedAndResumed(),
    ...told(1, { ask: SAID, texts: [STORY], tokens: 3, how: 'done' }),
    ...told(2, { ask: echo(52), texts: [word(52, 0)], tokens: 2, how: 'left' }),
    ...told(3, { ask: echo(53), texts: [word(53, 0)], tokens: 1, how: 'cut' }),
    { type: 'probe', tMs: 90_000, worker: 'w1', freeMs: 4 },
    {
      type: 'stream',
      tMs: 90_001,
      when: 'after',
      name: 'JOBS',
      messages: 0,
      consumers: [consumer()],
    },
    { type: 'stream', tMs: 90_001, when: 'after', name: 'FRAMES', messages: 90, consumers: [] },
    ...standing('after'),
    { type: 'stopped', tMs: 90_003, left: [] },
    { type: 'over', tMs: 90_004 },
  ]
}

const consumer = () => ({ name: 'chat-echo', pending: 0, unacknowledged: 0 })

/** Stream 0: its worker died after two tokens, its client came back for the rest, and asked for it all again by its key. */
function movedAndResumed(): HistoryEvent[] {
  const stream = 0
  const job = 'job_0'
  const plan = { ...base, stream, ask: echo(50), resumable: true, idempotencyKey: 'k' }
  const opened = { stream, gateway: GATEWAYS[0] ?? '', job, replayed: false }
  const event = (connection: number, position: number, text: string): HistoryEvent => ({
    type: 'event',
    tMs: 20 + 10 * position,
    stream,
    connection,
    text,
    position,
    finish: null,
    completionTokens: null,
  })
  const end = (connection: number): HistoryEvent[] => [
    { ...said(stream, 70), connection, position: TOKENS + 1, finish: 'stop' },
    { ...said(stream, 70), connection, position: TOKENS + 2, completionTokens: TOKENS },
  ]
  const spans = [
    { epoch: 1, from: 0, worker: 'w1' },
    { epoch: 2, from: 2, worker: 'w2' },
  ]
  return [
    { type: 'request', tMs: 10, plan },
    { type: 'published', tMs: 11, job, model: plan.ask.model, seed: 50 },
    { type: 'opened', tMs: 12, connection: 0, purpose: 'ask', after: null, ...opened },
    event(0, 1, word(50, 0)),
    event(0, 2, word(50, 1)),
    closed(stream, { connection: 0, tMs: 41, how: 'dropped' }),
    { type: 'opened', tMs: 45, connection: 1, purpose: 'resume', after: 2, ...opened },
    event(1, 3, word(50, 2)),
    event(1, 4, word(50, 3)),
    ...end(1),
    closed(stream, { connection: 1, tMs: 71, how: 'done' }),
    {
      type: 'opened',
      tMs: 72,
      connection: 2,
      purpose: 'replay',
      after: null,
      ...opened,
      replayed: true,
    },
    ...[0, 1, 2, 3].map((i) => event(2, i + 1, word(50, i))),
    ...end(2),
    closed(stream, { connection: 2, tMs: 80, how: 'done' }),
    wire(job, { worker: 'w1', epoch: 1, from: 0, to: 3 }),
    wire(job, { worker: 'w2', epoch: 2, from: 2, to: TOKENS }),
    record(job, { type: 'claimed', spans: spans.slice(0, 1) }),
    record(job, { type: 'claimed', spans }),
    record(job, { type: 'final', spans, outcome: 'done', usage: { completionTokens: TOKENS } }),
  ]
}

interface Plain {
  ask: Ask
  texts: string[]
  tokens: number
  how: 'done' | 'left' | 'cut'
}

/** A client that did not opt in: it read to the end, hung up, or lost its gateway. */
function told(stream: number, { ask, texts, tokens, how }: Plain): HistoryEvent[] {
  const job = `job_${stream}`
  const gateway = GATEWAYS[how === 'cut' ? gatewayFault().plan.index : 0] ?? ''
  const tMs = how === 'cut' ? gatewayFault().tMs + 1 : 40
  const spans = [{ epoch: 1, from: 0, worker: 'w1' }]
  const outcome = how === 'done' ? 'done' : 'cancelled'
  return [
    { type: 'request', tMs: 10, plan: { ...base, stream, ask } },
    { type: 'published', tMs: 11, job, model: ask.model, seed: ask.seed },
    {
      type: 'opened',
      tMs: 12,
      stream,
      connection: 0,
      purpose: 'ask',
      gateway,
      after: null,
      job,
      replayed: false,
    },
    ...texts.map((text): HistoryEvent => ({ ...said(stream, 20), text })),
    ...(how === 'done'
      ? [
          { ...said(stream, 30), finish: 'stop' },
          { ...said(stream, 30), completionTokens: tokens },
        ]
      : []),
    { ...closed(stream, { connection: 0, tMs, how }), gateway },
    wire(job, { worker: 'w1', epoch: 1, from: 0, to: tokens }),
    record(job, { type: 'claimed', spans }),
    record(job, { type: 'final', spans, outcome, usage: { completionTokens: tokens } }),
  ]
}

const said = (stream: number, tMs: number) => ({
  type: 'event' as const,
  tMs,
  stream,
  connection: 0,
  text: '',
  position: null,
  finish: null,
  completionTokens: null,
})

const closed = (
  stream: number,
  of: { connection: number; tMs: number; how: 'done' | 'left' | 'cut' | 'dropped' },
) => ({
  type: 'closed' as const,
  stream,
  gateway: GATEWAYS[0] ?? '',
  status: 200,
  code: null,
  ...of,
})

const wire = (
  job: string,
  of: { worker: string; epoch: number; from: number; to: number },
): HistoryEvent => ({
  type: 'wire',
  tMs: 90_000,
  job,
  frames: 4,
  whole: true,
  marked: 0,
  lastMs: 40,
  ...of,
})

const record = (
  job: string,
  of: Omit<Extract<HistoryEvent, { type: 'ledger' }>['record'], 'gateway'>,
): HistoryEvent => ({ type: 'ledger', tMs: 90_000, seq: 1, job, record: { gateway: 'g1', ...of } })

const PROOFS: Record<FaultPlan['kind'], Proof> = {
  kill: { struck: { state: 'gone', afterMs: 1 }, resumed: null },
  freeze: { struck: { state: 'T', afterMs: 1 }, resumed: { state: 'S', afterMs: 1 } },
  late: { struck: { state: 'heard', afterMs: 1 }, resumed: null },
}

const faultsOf = () =>
  planFaults(PARAMS).map((plan) => ({
    type: 'fault' as const,
    tMs: plan.atMs,
    plan,
    name: plan.target === 'gateways' ? (GATEWAYS[plan.index] ?? '') : `w${plan.index + 1}`,
    pid: 100 + plan.fault,
    untilMs: plan.atMs + plan.forMs + 1,
    proof: PROOFS[plan.kind],
  }))

function gatewayFault() {
  const fault = faultsOf().find(({ plan }) => plan.target === 'gateways')
  if (!fault) throw new Error('These parameters plan no fault on a gateway.')
  return fault
}

/** What stood before the faults, and after them. */
function standing(when: 'before' | 'after'): HistoryEvent[] {
  const tMs = when === 'before' ? 5 : 90_002
  const worker: Member = { role: 'worker', name: 'w1', pid: 1 }
  const gateway: Member = { role: 'gateway', name: GATEWAYS[0] ?? '', pid: 2 }
  const room = { june_worker_jobs_running: 0, june_worker_slots: 16, june_worker_slots_free: 16 }
  return [
    { type: 'metrics', tMs, when, of: worker, values: room },
    { type: 'metrics', tMs, when, of: gateway, values: { june_gateway_live_jobs: 0 } },
    { type: 'subscriptions', tMs, when, user: 'g1', subjects: ['claim.g1.*.*', 'beat.*'] },
    { type: 'memory', tMs, when, of: worker, rssBytes: 1e8 },
  ]
}
