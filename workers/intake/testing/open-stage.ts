import { connect } from '@nats-io/transport-node'
import { pino } from 'pino'
import { newNonce, WorkerId } from '../../../proto/ids.ts'
import type { Queue } from '../../../proto/subjects.ts'
import type { Lane } from '../../lanes/lane.ts'
import { Counts } from '../counts.ts'
import { Link } from '../link.ts'
import { openIntake, type Intake } from '../open-intake.ts'
import { HandGateway } from './hand-gateway.ts'
import { HandLane } from './hand-lane.ts'

export interface StageOptions {
  url: (user: string) => string
  worker: string
  queue: Queue
  slots?: number
  renewAfterMs?: number
  /** Whether the queue exists before the worker comes. */
  opened?: boolean
}

export interface Stage extends AsyncDisposable {
  gateway: HandGateway
  worker: WorkerId
  queue: Queue
  link: Link
  lane: HandLane
  lanes: readonly Lane[]
  intake: Intake
  counts: Counts
}

/** A worker's intake on a real connection, with an engine and a gateway that are played by hand. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { url, queue, slots = 2, renewAfterMs, opened = true } = options
  const worker = WorkerId.parse(options.worker)
  const gateway = await HandGateway.open(url('g1'))
  if (opened) await gateway.openQueue(queue)
  const { host, password } = new URL(url(worker))
  const nc = await connect({
    servers: host,
    user: worker,
    pass: password,
    inboxPrefix: `_INBOX.${worker}`,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 50,
  })
  const log = pino({ level: 'silent' })
  const link = new Link(nc, log)
  const lane = new HandLane({ kind: queue.kind, queue: queue.name, slots })
  const lanes = [lane]
  const counts = new Counts()
  const renewal = renewAfterMs === undefined ? {} : { renewAfterMs }
  const intake = openIntake({ link, worker, nonce: newNonce(), lanes, counts, log, ...renewal })
  return {
    gateway,
    worker,
    queue,
    link,
    lane,
    lanes,
    intake,
    counts,
    async [Symbol.asyncDispose]() {
      await intake.drain(0)
      await nc.close()
      await gateway[Symbol.asyncDispose]()
    },
  }
}
