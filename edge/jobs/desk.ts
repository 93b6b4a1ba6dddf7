import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import type { GatewayId, JobId, WorkerId } from '../../proto/ids.ts'
import type { Queue } from '../../proto/subjects.ts'
import type { Limiter, Log } from '../ports.ts'
import type { Treasury } from '../budget/treasury.ts'
import type { Afterwards } from './afterwards.ts'
import type { Ask, Found } from './finding.ts'
import type { Counts } from './counts.ts'
import type { Lines } from './lines.ts'
import type { LiveJob } from './live-job.ts'
import type { Pulse } from './pulse.ts'
import type { StreamStore } from './store.ts'

/** What the parts of one gateway's job protocol share. */
export interface Desk {
  readonly gateway: GatewayId
  readonly nc: NatsConnection
  readonly store: StreamStore
  readonly jsm: JetStreamManager
  readonly live: Map<JobId, LiveJob>
  readonly counts: Counts
  /** Who waits, and who is next. */
  readonly lines: Lines
  readonly log: Log
  readonly afterwards: Afterwards
  readonly pulse: Pulse
  /** Prices and budgets; nothing where there is no database, as in tests. */
  readonly treasury: Treasury | undefined
  /** We were away: nothing is done about any job before LEDGER was read again. */
  readonly doubt: () => void
  /** Told of each gateway that is gone. */
  readonly goneListeners: Set<(gone: GatewayId) => void>
  /** Makes sure that workers can pull from a queue. */
  readonly ensureQueue: (queue: Queue) => Promise<void>
  /** The measured time between two tokens of a worker's model, 0 where nobody knows. */
  readonly stepMs: (worker: WorkerId, queue: Queue) => number
  /** Whether a worker's beats stopped: its whole machine is away, and no disconnect will tell. */
  readonly isGone: (worker: WorkerId) => boolean
  /** Whether a claim comes from a second process under the name of a worker that is there. */
  readonly isSecond: (worker: WorkerId, nonce: string) => boolean
  /** Whether a worker said that it is on its way out. */
  readonly isLeaving: (worker: WorkerId) => boolean
  /** Whether another gateway gave a sign of life lately. */
  readonly isAlive: (gateway: GatewayId) => boolean
  /** How many gateways live, this one among them. */
  readonly gateways: () => number
  /** Whether a gateway left of late: what it owned turns up elsewhere. */
  readonly gatewayLeftLately: () => boolean
  /** A subject that only we hear. */
  readonly newInbox: () => string
  readonly find: (id: JobId, ask: Ask) => Promise<Found>
  /** Told of the end of each job that a limiter waits for. */
  readonly ended: Limiter['end']
  /** Off only in the control run of the fault suite, which must then fail. */
  readonly fenced: boolean
}
