import { jetstream, jetstreamManager, RetentionPolicy, AckPolicy } from '@nats-io/jetstream'
import { connect, nanos, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { Claim, type ClaimAnswer, type Grant } from '../../../proto/claim.ts'
import type { Control } from '../../../proto/control.ts'
import { decodeFrame, type Frame } from '../../../proto/frame.ts'
import {
  GatewayId,
  newJobId,
  newNonce,
  newSecret,
  type JobId,
  type WorkerId,
} from '../../../proto/ids.ts'
import { encodeInput, type InputFrame } from '../../../proto/input.ts'
import type { Job } from '../../../proto/job.ts'
import { consumerOf, JOBS, partOf, subjects, type Queue } from '../../../proto/subjects.ts'

export interface Asked {
  /** Whom the worker asked: a gateway, or `any`. */
  whom: string
  worker: string
  job: string
  claim: Claim
}

/** What a claim is answered with; nothing is said to `undefined`. */
export type Reply = ClaimAnswer | Uint8Array | undefined

/** A gateway played by the test, on a connection of a real one. It does what it is told and remembers what it heard. */
export class HandGateway implements AsyncDisposable {
  readonly id: GatewayId
  readonly nc: NatsConnection
  readonly asked: Asked[] = []
  readonly frames = new Map<string, (Frame & { worker: string })[]>()
  /** What a claim is answered with. */
  answer: (asked: Asked) => Reply = () => ({ go: false, why: 'unknown' })
  /** Sent right behind an answer, in the same packet. */
  afterAnswer: (asked: Asked) => void = () => {}
  readonly #url: string

  static async open(url: string): Promise<HandGateway> {
    const { host, username, password } = new URL(url)
    const inboxPrefix = `_INBOX.${username}`
    const nc = await connect({ servers: host, user: username, pass: password, inboxPrefix })
    const gateway = new HandGateway(nc, GatewayId.parse(`${username}-${newNonce()}`), url)
    nc.subscribe('out.*.*', { callback: (_, message) => gateway.#hear(message) })
    gateway.hearClaims(gateway.id)
    await nc.flush()
    return gateway
  }

  private constructor(nc: NatsConnection, id: GatewayId, url: string) {
    this.nc = nc
    this.id = id
    this.#url = url
  }

  hearClaims(whom: GatewayId | 'any'): void {
    const callback = (_: Error | null, message: Msg): void => this.#decide(message)
    this.nc.subscribe(subjects.claimsOf(whom), { callback })
  }

  async openQueue(queue: Queue): Promise<void> {
    const manager = await jetstreamManager(this.nc)
    const retention = RetentionPolicy.Workqueue
    await manager.streams.add({ name: JOBS, subjects: ['job.>'], retention })
    await manager.consumers.add(JOBS, {
      durable_name: consumerOf(queue),
      filter_subject: subjects.job(queue),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(30_000),
      max_deliver: -1,
    })
  }

  /** How the server sees a queue: pulls that wait, messages nobody was sent, messages nobody acknowledged. */
  async queueState(queue: Queue): Promise<{ pulls: number; waiting: number; unanswered: number }> {
    const manager = await jetstreamManager(this.nc)
    const info = await manager.consumers.info(JOBS, consumerOf(queue))
    const { num_waiting: pulls, num_pending: waiting, num_ack_pending: unanswered } = info
    return { pulls, waiting, unanswered }
  }

  async offer(queue: Queue, patch: Partial<Job> = {}): Promise<JobId> {
    const job = { ...jobFor(queue, this.id), ...patch } as Job
    await jetstream(this.nc).publish(subjects.job(queue), JSON.stringify(job), { msgID: job.id })
    return job.id
  }

  /** Anything at all on a queue. */
  async offerBytes(queue: Queue, bytes: Uint8Array | string): Promise<void> {
    await jetstream(this.nc).publish(subjects.job(queue), bytes)
  }

  /** Gives back the delivery that was asked for as the n-th, as a gateway that releases a job does. */
  nak(n: number): void {
    const asked = this.asked[n]
    if (!asked) throw new Error(`nobody asked for a job ${n + 1} times`)
    this.nc.publish(asked.claim.ack, '-NAK')
  }

  control(worker: WorkerId, control: Control): void {
    this.nc.publish(subjects.ctl(worker), JSON.stringify(control))
  }

  input(worker: WorkerId, job: JobId, frame: InputFrame): void {
    this.nc.publish(subjects.in(worker, job), encodeInput(frame))
  }

  heard(job: string): (Frame & { worker: string })[] {
    return this.frames.get(job) ?? []
  }

  /** Dies as a process does: nobody answers its claims any more. */
  async die(): Promise<void> {
    await this.nc.close()
  }

  /** Another life, under another id. */
  again(): Promise<HandGateway> {
    return HandGateway.open(this.#url)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nc.close()
  }

  #hear(message: Msg): void {
    const job = partOf(message.subject, 2)
    const frame = { ...decodeFrame(message.data.slice()), worker: partOf(message.subject, 1) }
    this.frames.set(job, [...this.heard(job), frame])
  }

  #decide(message: Msg): void {
    const [whom, worker, job] = [1, 2, 3].map((i) => partOf(message.subject, i))
    const claim = Claim.parse(message.json())
    const asked = { whom: whom ?? '', worker: worker ?? '', job: job ?? '', claim }
    this.asked.push(asked)
    const reply = this.answer(asked)
    if (reply === undefined) return
    message.respond(reply instanceof Uint8Array ? reply : JSON.stringify(reply))
    this.afterAnswer(asked)
  }
}

export function grantOf(patch: Partial<Grant> = {}): Grant {
  return {
    go: true,
    epoch: 1,
    from: 0,
    prefix: [],
    credit: 64,
    inputFrom: 0,
    leftMs: 60_000,
    secret: newSecret(),
    ...patch,
  }
}

function jobFor({ kind }: Queue, gateway: GatewayId): Job {
  const admittedAtMs = Date.now()
  const deadlineAtMs = admittedAtMs + 60_000
  const id = newJobId()
  const base = {
    id,
    model: 'by-hand',
    gateway,
    tenant: 'key_test',
    key: 'key_test',
    priority: 'default' as const,
    admittedAtMs,
    deadlineAtMs,
    reading: { resumable: false, includeUsage: false },
  }
  if (kind === 'duplex') return { ...base, kind }
  if (kind === 'embed') return { ...base, kind, inputs: ['Hello'] }
  if (kind === 'rerank') return { ...base, kind, query: 'Hello', documents: ['Hello'] }
  const sampling = {
    temperature: 0,
    topP: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    seed: 7,
    maxTokens: null,
    stop: [],
  }
  return { ...base, kind, messages: [{ role: 'user', text: 'Hello' }], sampling }
}
