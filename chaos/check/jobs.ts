import type { LedgerView, Of } from '../history.ts'
import { expectedOf } from './oracle.ts'
import {
  finalsOf,
  jobIdOf,
  readingOf,
  type JobStory,
  type Story,
  type StreamStory,
} from './story.ts'
import type { Accuse } from './verdict.ts'

/** I1: whatever was accepted, whoever heard of it, ended once. */
export function checkEnds({ jobs }: Story, accuse: Accuse): void {
  for (const [id, job] of jobs) {
    const finals = finalsOf(job)
    if (!job.published) accuse('I1', `${id} was never accepted, and somebody knows it`)
    if (finals.length !== 1) accuse('I1', `${id} has ${finals.length} final records`)
    else if (job.records.at(-1)?.type !== 'final')
      accuse('I1', `${id} went on after its final record`)
  }
}

/** I1 again: a request that is made anew under its key is one job. */
export function checkKeys(story: Story, accuse: Accuse): void {
  for (const { request, connections } of story.streams.values()) {
    if (request.plan.idempotencyKey === null) continue
    const jobs = new Set(connections.flatMap(({ opened }) => opened?.job ?? []))
    if (jobs.size > 1)
      accuse('I1', `stream ${request.plan.stream} has one key and ${jobs.size} jobs`)
  }
}

/** I3: the final record counts what its reader was sent. */
export function checkUsage(story: Story, stream: StreamStory, accuse: Accuse): void {
  const id = jobIdOf(stream)
  const final = id === undefined ? undefined : finalsOf(story.jobs.get(id) ?? NOTHING)[0]
  if (!final) return
  const { plan } = stream.request
  const told = (what: string): void => accuse('I3', `stream ${plan.stream}, ${id}: ${what}`)
  const billed = final.usage?.completionTokens
  const events = readingOf(stream).flatMap((connection) => connection.events)
  const how = readingOf(stream).at(-1)?.closed?.how
  if (how !== 'done') {
    // Who left may have been sent less than was made, and never more than is billed.
    const sent = Math.max(0, ...events.map(({ position }) => position ?? 0))
    if (final.outcome === 'cancelled' && (billed ?? 0) < sent)
      told(`${sent} tokens were read, and ${billed} are billed`)
    return
  }
  const read = events.findLast(({ completionTokens }) => completionTokens !== null)
  const expected = expectedOf(story, plan.ask)
  if (final.outcome !== 'done') told(`it was read to its end, and LEDGER says ${final.outcome}`)
  if (read?.completionTokens !== billed)
    told(`the reader was told ${read?.completionTokens} tokens, and LEDGER says ${billed}`)
  if (expected && billed !== expected.tokens)
    told(`LEDGER says ${billed} tokens, and the answer has ${expected.tokens}`)
}

/** I4, as far as it leaves traces: epochs follow each other, and each said all that counts as its own. */
export function checkSpans({ jobs }: Story, accuse: Accuse): void {
  for (const [id, job] of jobs) {
    const [final] = finalsOf(job)
    if (!final) continue
    const told = (what: string): void => accuse('I4', `${id}: ${what}`)
    for (const { spans } of job.records) checkOrder(spans, told)
    checkSaid(final, job.wires, told)
  }
}

function checkOrder(spans: LedgerView['spans'], told: (what: string) => void): void {
  for (const [i, { epoch, from }] of spans.entries()) {
    if (epoch !== i + 1) told(`its epoch ${i + 1} is called ${epoch}`)
    if (from < (spans[i - 1]?.from ?? 0)) told(`epoch ${epoch} began before the one it followed`)
  }
}

function checkSaid(
  { spans, usage }: LedgerView,
  wires: readonly Of<'wire'>[],
  told: (what: string) => void,
): void {
  const end = usage?.completionTokens ?? 0
  for (const [i, { epoch, from, worker }] of spans.entries()) {
    const to = spans[i + 1]?.from ?? end
    if (to === from) continue
    if (to < from) told(`epoch ${epoch} ends at ${to}, before it began at ${from}`)
    const wire = wires.find((said) => said.epoch === epoch && said.worker === worker)
    if (!wire || wire.from !== from || wire.to < to || !wire.whole)
      told(
        `positions ${from} to ${to} count as epoch ${epoch} of ${worker}, which said ${wire ? `${wire.from} to ${wire.to}` : 'nothing'}`,
      )
  }
}

/** Tokens that were said and did not count, because their epoch was over. */
export function fencedIn({ records, wires }: JobStory): number {
  const spans = records.at(-1)?.spans ?? []
  let fenced = 0
  for (const { epoch, from, to, marked } of wires) {
    fenced += marked
    const next = spans.find((span) => span.epoch === epoch + 1)
    if (next) fenced += Math.max(0, to - Math.max(from, next.from))
  }
  return fenced
}

const NOTHING: JobStory = { published: false, records: [], wires: [] }
