import { fencedIn } from './jobs.ts'
import {
  finalsOf,
  jobIdOf,
  readingOf,
  type JobStory,
  type Story,
  type StreamStory,
} from './story.ts'

export interface Figures {
  streams: number
  /** Kills and freezes. */
  faults: number
  late: number
  migrations: number
  /** Of these, from workers that nobody struck at that time. */
  unprovoked: number
  adoptions: number
  /** Tokens that were said and did not count. */
  fenced: number
  gapsMs: number[]
  /** The same where the client's own gateway, or the broker, stood still meanwhile. */
  frozenGapsMs: number[]
  cancelsMs: number[]
}

export function figuresOf(story: Story): Figures {
  const jobs = [...story.jobs.values()]
  const proved = story.faults.filter(({ proof }) => proof !== null)
  const gaps = [...story.streams.values()].flatMap((stream) => gapOf(story, stream) ?? [])
  return {
    streams: story.streams.size,
    faults: proved.filter(({ plan }) => plan.kind !== 'late').length,
    late: proved.filter(({ plan }) => plan.kind === 'late').length,
    migrations: sum(jobs.map((job) => Math.max(0, (finalsOf(job)[0]?.spans.length ?? 0) - 1))),
    unprovoked: sum(jobs.map((job) => unprovokedIn(story, job))),
    adoptions: sum(
      jobs.map(({ records }) => records.filter(({ type }) => type === 'adopted').length),
    ),
    fenced: sum(jobs.map(fencedIn)),
    gapsMs: gaps.flatMap(({ ms, frozen }) => (frozen ? [] : ms)),
    frozenGapsMs: gaps.flatMap(({ ms, frozen }) => (frozen ? ms : [])),
    cancelsMs: cancelsOf(story),
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** The longest silence in an answer that had to move, as its reader felt it; nothing where none had to. */
function gapOf(story: Story, stream: StreamStory): { ms: number; frozen: boolean } | undefined {
  const { drops } = stream.request.plan
  const id = jobIdOf(stream)
  const reading = readingOf(stream)
  const job = id === undefined ? undefined : story.jobs.get(id)
  const moved = ((job && finalsOf(job)[0]?.spans.length) ?? 0) > 1
  // Who stayed away on purpose felt its own absence.
  if (drops || (!moved && reading.length < 2)) return undefined
  const words = reading.flatMap(({ events }) => events).filter(({ text }) => text !== '')
  let longest: { ms: number; fromMs: number; toMs: number } | undefined
  for (const [i, { tMs: toMs }] of words.entries()) {
    const fromMs = words[i - 1]?.tMs ?? toMs
    if (i > 0 && toMs - fromMs >= (longest?.ms ?? 0)) longest = { ms: toMs - fromMs, fromMs, toMs }
  }
  if (!longest) return undefined
  const { ms, fromMs, toMs } = longest
  const gateways = new Set(reading.map(({ closed }) => closed?.gateway))
  const frozen = story.faults.some(
    ({ plan, name, tMs, untilMs }) =>
      plan.kind === 'freeze' &&
      (plan.target === 'broker' || gateways.has(name)) &&
      tMs < toMs &&
      untilMs > fromMs,
  )
  return { ms, frozen }
}

/** Within this of a fault, what a worker lost is taken for its doing. */
const NEAR_MS = 1_500

function unprovokedIn({ faults }: Story, job: JobStory): number {
  const spans = finalsOf(job)[0]?.spans ?? []
  const lost = spans.slice(0, -1).filter(({ epoch, worker }) => {
    const wire = job.wires.find((one) => one.epoch === epoch && one.worker === worker)
    return (
      wire !== undefined &&
      !faults.some(
        ({ plan, name, tMs, untilMs }) =>
          plan.kind !== 'late' &&
          (plan.target === 'broker' || name === worker) &&
          tMs - NEAR_MS < wire.lastMs &&
          untilMs + NEAR_MS > wire.lastMs,
      )
    )
  })
  return lost.length
}

/** From a hang-up to the slot's freedom where that was measured, and to the worker's last word in the run itself. */
function cancelsOf({ events, streams, jobs, faults }: Story): number[] {
  const measured = events.flatMap((event) => (event.type === 'probe' ? event.freeMs : []))
  const heard = [...streams.values()].flatMap((stream) => {
    const left = readingOf(stream).at(-1)?.closed
    const id = jobIdOf(stream)
    if (left?.how !== 'left' || id === undefined || stream.request.plan.resumable) return []
    const wires = jobs.get(id)?.wires ?? []
    const last = Math.max(left.tMs, ...wires.map(({ lastMs }) => lastMs))
    // A frozen worker hears nothing: how long it is frozen is not its own doing.
    const wasStruck = faults.some(
      ({ name, tMs, untilMs }) =>
        wires.some(({ worker }) => worker === name) && tMs <= last && untilMs >= left.tMs,
    )
    return wasStruck ? [] : last - left.tMs
  })
  return [...measured, ...heard]
}

/** 0 where there is nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0)
}
