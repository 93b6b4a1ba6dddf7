import type { HistoryEvent, LedgerView, Of } from '../history.ts'
import type { Params } from '../plan/params.ts'

/** One connection of a client, from its answer's head to its end. */
export interface Connection {
  opened: Of<'opened'> | undefined
  events: Of<'event'>[]
  closed: Of<'closed'> | undefined
}

/** All that one client did and saw. */
export interface StreamStory {
  request: Of<'request'>
  connections: Connection[]
}

/** All that is known of one job. */
export interface JobStory {
  published: boolean
  records: LedgerView[]
  wires: Of<'wire'>[]
}

/** A history, sorted by what it is about. Nothing is judged here. */
export interface Story {
  params: Params | undefined
  events: readonly HistoryEvent[]
  streams: Map<number, StreamStory>
  jobs: Map<string, JobStory>
  oracles: Of<'oracle'>[]
  faults: Of<'fault'>[]
}

export function storyOf(events: readonly HistoryEvent[]): Story {
  const story: Story = {
    params: undefined,
    events,
    streams: new Map(),
    jobs: new Map(),
    oracles: [],
    faults: [],
  }
  for (const event of events) sort(story, event)
  return story
}

function sort(story: Story, event: HistoryEvent): void {
  switch (event.type) {
    case 'run':
      story.params ??= event.params
      break
    case 'oracle':
      story.oracles.push(event)
      break
    case 'request':
      story.streams.set(event.plan.stream, { request: event, connections: [] })
      break
    case 'opened':
      if (event.job !== null) jobOf(story, event.job)
      connectionOf(story, event).opened = event
      break
    case 'event':
      connectionOf(story, event).events.push(event)
      break
    case 'closed':
      connectionOf(story, event).closed = event
      break
    case 'published':
      jobOf(story, event.job).published = true
      break
    case 'ledger':
      jobOf(story, event.job).records.push(event.record)
      break
    case 'wire':
      jobOf(story, event.job).wires.push(event)
      break
    case 'fault':
      story.faults.push(event)
      break
    // These belong to no client and no job, or are looked for by the rules themselves.
    case 'calm':
    case 'cancelled':
    case 'memory':
    case 'metrics':
    case 'over':
    case 'probe':
    case 'skipped':
    case 'stopped':
    case 'stream':
    case 'subscriptions':
      break
  }
}

function connectionOf(
  { streams }: Story,
  { stream, connection }: { stream: number; connection: number },
): Connection {
  const known = streams.get(stream)
  if (!known) throw new Error(`Stream ${stream} did something before it asked.`)
  const made: Connection = { opened: undefined, events: [], closed: undefined }
  return (known.connections[connection] ??= made)
}

function jobOf({ jobs }: Story, id: string): JobStory {
  const known = jobs.get(id)
  if (known) return known
  const made: JobStory = { published: false, records: [], wires: [] }
  jobs.set(id, made)
  return made
}

/** The records that end a job: there must be one. */
export const finalsOf = ({ records }: JobStory): LedgerView[] =>
  records.filter(({ type }) => type === 'final')

/** The connections of an answer itself, without those that asked for it once more under its key. */
export const readingOf = ({ connections }: StreamStory): Connection[] =>
  connections.filter(({ opened }) => opened?.purpose !== 'replay')

/** The job that answered a client, if one did. */
export const jobIdOf = (stream: StreamStory): string | undefined =>
  stream.connections.find(({ opened }) => opened?.job)?.opened?.job ?? undefined
