import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import { nanos, type NatsConnection } from '@nats-io/nats-core'
import {
  ANSWERS,
  CACHE,
  consumerOf,
  FRAMES,
  IDEMPOTENCY,
  JOBS,
  LEDGER,
  RESPONSES,
  subjects,
  USAGE,
  type Queue,
} from '../../proto/subjects.ts'
import { MAX_CACHE_TTL_MS } from '../../proto/response-cache.ts'

type Stream = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>

/** An offer that nobody claims or answers for this long goes to another worker. Longer than an adoption takes. */
export const ACK_WAIT_MS = 5_000

/** Idle slots of all workers of a queue, each an open pull. The server's default of 512 is a small hall of machines. */
const MAX_WAITING = 8_192

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const MiB = 1024 * 1024

/** For how long a stored response can be asked for, where nobody said otherwise. */
const RESPONSES_DAYS = 30

export interface Keeping {
  /** For how many days a stored response can be asked for. Who does not know it leaves it as it is. */
  responsesDays?: number
}

const streamsOf = ({ responsesDays = RESPONSES_DAYS }: Keeping): readonly Stream[] => [
  {
    name: JOBS,
    description:
      'Accepted work, one message a job until a gateway settles it: the index of live jobs.',
    subjects: ['job.>', 'held.>'],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    duplicate_window: nanos(2 * MINUTE_MS),
    allow_direct: true,
  },
  {
    name: LEDGER,
    description:
      'What became of each job. Every write is a compare-and-set on the last of its subject.',
    subjects: ['ledger.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(7 * DAY_MS),
    max_bytes: 2048 * MiB,
    allow_direct: true,
  },
  {
    name: ANSWERS,
    description: 'Finished answers that may be asked for again.',
    subjects: ['answer.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(DAY_MS),
    max_bytes: 768 * MiB,
    allow_direct: true,
  },
  {
    // Not with the answers: those are long, and whoever makes many of them would push out what others reserved. It stands
    // after ANSWERS, which had these subjects once and must let go of them first.
    name: IDEMPOTENCY,
    description: 'Which job each idempotency key stands for.',
    subjects: ['idem.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(DAY_MS),
    max_bytes: 256 * MiB,
    allow_direct: true,
  },
  {
    name: RESPONSES,
    description: 'Stored responses: what was asked, and the answer, until somebody deletes them.',
    subjects: ['response.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(responsesDays * DAY_MS),
    max_bytes: 2048 * MiB,
    allow_direct: true,
  },
  {
    name: CACHE,
    description:
      'Answers that may be given again, of projects that asked for it: the last of each question.',
    subjects: ['cache.*.*'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    max_age: nanos(MAX_CACHE_TTL_MS),
    max_bytes: 512 * MiB,
    discard: DiscardPolicy.Old,
    allow_direct: true,
  },
  {
    name: FRAMES,
    description: 'The frames of answers, for late readers, adopting gateways and next workers.',
    subjects: ['out.*.*'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.Memory,
    // Frames are published without a reply subject; and they must never wait for the stream.
    no_ack: true,
    max_age: nanos(10 * MINUTE_MS),
    max_bytes: 256 * MiB,
    discard: DiscardPolicy.Old,
    allow_direct: true,
  },
  {
    name: 'DEAD',
    description: 'Jobs that killed their workers, with their story.',
    subjects: ['dead.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(14 * DAY_MS),
    max_bytes: 256 * MiB,
    allow_direct: true,
  },
]

/** Brings a server to this shape, whatever shape it had. Safe to run by everybody at once, on every start. */
export async function applyStreams(nc: NatsConnection, keeping: Keeping = {}): Promise<void> {
  const manager = await jetstreamManager(nc)
  for (const stream of streamsOf(keeping)) {
    try {
      await manager.streams.add(stream)
    } catch (thrown) {
      if (!isApiError(thrown, STREAM_EXISTS)) throw thrown
      await repair(manager, stream, keeping)
    }
  }
}

/** The shared consumer of a queue. Its offers never run out: what kills its workers is counted in LEDGER. */
export async function ensureConsumer(manager: JetStreamManager, queue: Queue): Promise<void> {
  const wanted = {
    filter_subject: subjects.job(queue),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: 1_000,
    max_waiting: MAX_WAITING,
  }
  const name = consumerOf(queue)
  try {
    await manager.consumers.add(JOBS, { ...wanted, durable_name: name })
  } catch (thrown) {
    if (!isApiError(thrown, CONSUMER_EXISTS)) throw thrown
    const { config } = await manager.consumers.info(JOBS, name)
    if (config.max_waiting === MAX_WAITING) {
      await manager.consumers.update(JOBS, name, wanted)
      return
    }
    // This cannot be changed in place. What it had offered is offered again; claims refuse what is held already.
    await manager.consumers.delete(JOBS, name)
    await manager.consumers.add(JOBS, { ...wanted, durable_name: name })
  }
}

/** A batch of records that nobody acknowledged for this long is another gateway's to write. */
const USAGE_ACK_WAIT_MS = 30_000

/** The shared consumer of what became of jobs. Its records never run out either: they are written once, however often told. */
export async function ensureUsageConsumer(
  manager: JetStreamManager,
  { ackWaitMs = USAGE_ACK_WAIT_MS } = {},
): Promise<void> {
  const wanted = {
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
    max_ack_pending: 10_000,
  }
  try {
    await manager.consumers.add(LEDGER, { ...wanted, durable_name: USAGE })
  } catch (thrown) {
    if (!isApiError(thrown, CONSUMER_EXISTS)) throw thrown
    await manager.consumers.update(LEDGER, USAGE, wanted)
  }
}

async function repair(
  manager: JetStreamManager,
  { name, ...wanted }: Stream,
  { responsesDays }: Keeping,
): Promise<void> {
  // A shorter age than the operator's would delete what is older.
  if (name === RESPONSES && responsesDays === undefined) delete wanted.max_age
  try {
    await manager.streams.update(name, wanted)
  } catch (thrown) {
    if (!isApiError(thrown, STREAM_NOT_UPDATABLE)) throw thrown
    const why = thrown instanceof Error ? thrown.message : 'unknown'
    throw new Error(
      `Stream ${name} has a shape that cannot be changed in place (${why}): delete it.`,
      {
        cause: thrown,
      },
    )
  }
}

/** Codes of the server's `errors.json`. */
const STREAM_EXISTS = 10_058
const STREAM_NOT_UPDATABLE = 10_052
const CONSUMER_EXISTS = 10_148

const isApiError = (thrown: unknown, code: number): boolean =>
  thrown instanceof JetStreamApiError && thrown.code === code
