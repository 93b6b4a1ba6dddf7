import { MARK } from '../faults/mark.ts'
import type { HistoryEvent, Of } from '../history.ts'
import { TOKENS, word } from './sample-history.ts'
import type { Invariant } from './verdict.ts'

type Kind = HistoryEvent['type']
type Change<T extends Kind> = (event: Of<T>) => HistoryEvent | undefined

/** The history with every event of a type, or those that `which` picks, put through a change; nothing removes one. */
export const changed =
  <T extends Kind>(type: T, change: Change<T>, which: (event: Of<T>) => boolean = () => true) =>
  (events: HistoryEvent[]): HistoryEvent[] =>
    events.flatMap((event) =>
      event.type === type && which(event as Of<T>) ? (change(event as Of<T>) ?? []) : [event],
    )

export const at = (stream: number, connection: number, text: string) => (event: Of<'event'>) =>
  event.stream === stream && event.connection === connection && event.text === text
const finalOf = (job: string) => (event: Of<'ledger'>) =>
  event.job === job && event.record.type === 'final'
export const removed = (): undefined => undefined
const twice =
  (job: string) =>
  (events: HistoryEvent[]): HistoryEvent[] =>
    events.flatMap((event) =>
      event.type === 'ledger' && finalOf(job)(event) ? [event, event] : [event],
    )
const usage = (job: string, completionTokens: number) =>
  changed(
    'ledger',
    (event) => ({ ...event, record: { ...event.record, usage: { completionTokens } } }),
    finalOf(job),
  )
const spansOf = (job: string, spans: Of<'ledger'>['record']['spans']) =>
  changed(
    'ledger',
    (event) => ({ ...event, record: { ...event.record, spans } }),
    (event) => event.job === job,
  )
const unproved = (kind: 'kill' | 'freeze' | 'late') =>
  changed(
    'fault',
    (event) => ({ ...event, proof: null }),
    ({ plan }) => plan.kind === kind,
  )
const after = (event: { when: string }): boolean => event.when === 'after'

/** A way to break the sample history, and all that it breaks. */
export interface Breach {
  title: string
  breaks: Invariant
  /** What cannot be broken without it. */
  also?: Invariant[]
  how: (events: HistoryEvent[]) => HistoryEvent[]
}

export const third = word(50, 2)
export const breaches: Breach[] = [
  {
    title: 'a job without a final record',
    breaks: 'I1',
    how: changed('ledger', removed, finalOf('job_3')),
  },
  { title: 'two final records', breaks: 'I1', how: twice('job_1') },
  {
    title: 'a record after the final one',
    breaks: 'I1',
    how: (events) => {
      const claimed = events.find((event) => event.type === 'ledger' && event.job === 'job_1')
      return claimed ? events.toSpliced(-1, 0, claimed) : []
    },
  },
  {
    title: 'a job that nobody heard of but the queue',
    breaks: 'I1',
    how: (events) =>
      events.toSpliced(-1, 0, { type: 'published', tMs: 0, job: 'job_9', model: 'm', seed: 1 }),
  },
  {
    title: 'a lost token, seen by a plain client',
    breaks: 'I2',
    how: changed(
      'event',
      (event) => ({ ...event, text: 'Once token.' }),
      ({ stream, text }) => stream === 1 && text !== '',
    ),
  },
  {
    title: 'a lost token, seen by its position',
    breaks: 'I2',
    how: changed('event', removed, at(0, 1, third)),
  },
  {
    title: 'a token that came twice',
    breaks: 'I2',
    how: (events) =>
      events.flatMap((event) =>
        event.type === 'event' && at(0, 1, third)(event) ? [event, event] : [event],
      ),
  },
  {
    title: 'a wrong text',
    breaks: 'I2',
    how: changed('event', (event) => ({ ...event, text: 'no ' }), at(0, 1, third)),
  },
  {
    title: 'tokens in another order under rising positions',
    breaks: 'I2',
    how: (events) =>
      events.map((event) =>
        event.type === 'event' && event.stream === 0 && event.connection < 2 && event.text !== ''
          ? { ...event, text: word(50, TOKENS - (event.position ?? 0)) }
          : event,
      ),
  },
  {
    title: 'a text of one who hung up that is none of the answer',
    breaks: 'I2',
    how: changed('event', (event) => ({ ...event, text: 'no ' }), at(2, 0, word(52, 0))),
  },
  {
    title: 'an event without an id, for one who opted in',
    breaks: 'I2',
    how: changed('event', (event) => ({ ...event, position: null }), at(0, 1, third)),
  },
  {
    title: 'an end that looks whole and is not',
    breaks: 'I2',
    how: changed(
      'closed',
      (event) => ({ ...event, how: 'silent' }),
      ({ how }) => how === 'cut',
    ),
  },
  {
    title: 'an error that nothing explains',
    breaks: 'I2',
    how: changed(
      'closed',
      (event) => ({ ...event, how: 'error' }),
      ({ how }) => how === 'left',
    ),
  },
  {
    title: 'a cut connection to a gateway that nobody struck',
    breaks: 'I2',
    how: changed(
      'closed',
      (event) => ({ ...event, gateway: 'http://127.0.0.1:9' }),
      ({ how }) => how === 'cut',
    ),
  },
  {
    title: 'a client that never got an answer',
    breaks: 'I2',
    how: changed(
      'closed',
      (event) => ({ ...event, how: 'refused', status: 503 }),
      ({ how }) => how === 'cut',
    ),
  },
  {
    title: 'a key that brings another text',
    breaks: 'I2',
    how: changed('event', (event) => ({ ...event, text: 'no ' }), at(0, 2, third)),
  },
  {
    title: 'a final record with more tokens than anybody said',
    breaks: 'I3',
    also: ['I4'],
    how: usage('job_1', 4),
  },
  { title: 'a final record with too few', breaks: 'I3', how: usage('job_1', 2) },
  {
    title: 'a usage event that says another number',
    breaks: 'I3',
    how: changed(
      'event',
      (event) => ({ ...event, completionTokens: 2 }),
      (event) => event.stream === 1 && event.completionTokens !== null,
    ),
  },
  {
    title: 'an answer that was read whole and is not called done',
    breaks: 'I3',
    how: changed(
      'ledger',
      (event) => ({ ...event, record: { ...event.record, outcome: 'failed' } }),
      finalOf('job_1'),
    ),
  },
  {
    title: 'epochs that do not follow each other',
    breaks: 'I4',
    how: spansOf('job_1', [{ epoch: 2, from: 0, worker: 'w1' }]),
  },
  {
    title: 'positions that their epoch never said',
    breaks: 'I4',
    how: changed(
      'wire',
      (event) => ({ ...event, to: 1 }),
      ({ worker }) => worker === 'w1',
    ),
  },
  {
    title: 'a frame of an old epoch, in the text',
    breaks: 'I4',
    also: ['I2'],
    how: changed('event', (event) => ({ ...event, text: event.text + MARK }), at(0, 1, third)),
  },
  {
    title: 'a job in JOBS',
    breaks: 'I5',
    how: changed(
      'stream',
      (event) => ({ ...event, messages: 1 }),
      ({ name }) => name === 'JOBS',
    ),
  },
  {
    title: 'a delivery that nobody acknowledged',
    breaks: 'I5',
    how: changed('stream', (event) => ({
      ...event,
      consumers: event.consumers.map((consumer) => ({ ...consumer, unacknowledged: 1 })),
    })),
  },
  {
    title: 'a consumer of FRAMES',
    breaks: 'I5',
    how: changed(
      'stream',
      (event) => ({ ...event, consumers: [{ name: 'o', pending: 0, unacknowledged: 0 }] }),
      ({ name }) => name === 'FRAMES',
    ),
  },
  ...(['june_gateway_live_jobs', 'june_worker_jobs_running', 'june_worker_slots'] as const).map(
    (name): Breach => ({
      title: `one too many in ${name}`,
      breaks: 'I5',
      how: changed(
        'metrics',
        (event) => ({
          ...event,
          values: { ...event.values, [name]: (event.values[name] ?? 0) + 1 },
        }),
        (event) => after(event) && name in event.values,
      ),
    }),
  ),
  {
    title: 'a worker that did not come back',
    breaks: 'I5',
    how: changed('metrics', removed, (event) => after(event) && event.of.role === 'worker'),
  },
  {
    title: 'a subscription for a job that is over',
    breaks: 'I5',
    how: changed(
      'subscriptions',
      (event) => ({ ...event, subjects: ['beat.*', 'out.*.job_1'] }),
      after,
    ),
  },
  {
    title: 'a gateway that answers for more than were struck',
    breaks: 'I5',
    how: changed(
      'subscriptions',
      (event) => ({
        ...event,
        subjects: Array.from({ length: 99 }, (_, i) => `claim.g${i}.*.*`).concat('beat.*'),
      }),
      after,
    ),
  },
  {
    title: 'a gateway that listens to more than before',
    breaks: 'I5',
    how: changed(
      'subscriptions',
      (event) => ({ ...event, subjects: [...event.subjects, 'sys.*'] }),
      after,
    ),
  },
  {
    title: 'memory that was not given back',
    breaks: 'I5',
    how: changed('memory', (event) => ({ ...event, rssBytes: 1e9 }), after),
  },
  {
    title: 'a process that outlived its launcher',
    breaks: 'I5',
    how: changed('stopped', (event) => ({ ...event, left: ['node'] })),
  },
  { title: 'a kill that nobody saw', breaks: 'I6', how: unproved('kill') },
  // The plain client that was cut off has no excuse then.
  { title: 'a freeze that nobody saw', breaks: 'I6', also: ['I2'], how: unproved('freeze') },
  { title: 'a late frame that never came', breaks: 'I6', how: unproved('late') },
  {
    title: 'a kill that left its process running',
    breaks: 'I6',
    how: changed(
      'fault',
      (event) => ({ ...event, proof: { struck: { state: 'S', afterMs: 1 }, resumed: null } }),
      ({ plan }) => plan.kind === 'kill',
    ),
  },
  {
    title: 'a fault that was planned and left out',
    breaks: 'I6',
    how: changed('fault', removed, ({ plan }) => plan.fault === 2),
  },
  { title: 'no end', breaks: 'history', how: (events) => events.slice(0, -1) },
  {
    title: 'a client too few',
    breaks: 'history',
    how: changed('run', (event) => ({ ...event, params: { ...event.params, streams: 5 } })),
  },
]
