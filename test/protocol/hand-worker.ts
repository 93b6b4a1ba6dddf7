import { jetstream, type JsMsg } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { ClaimAnswer, type Grant } from '../../proto/claim.ts'
import { Control } from '../../proto/control.ts'
import { echoToken } from '../../proto/echo.ts'
import { encodeFrame, type FrameBody } from '../../proto/frame.ts'
import { newNonce, WorkerId } from '../../proto/ids.ts'
import { Job } from '../../proto/job.ts'
import { BEAT_MS, type Beat } from '../../proto/beat.ts'
import { consumerOf, subjects } from '../../proto/subjects.ts'

/** Where the gateway acknowledges this delivery. */
export const replyOf = (message: JsMsg): string => ('reply' in message ? String(message.reply) : '')

const queue = { kind: 'chat', name: 'echo' } as const

/** An offer in a worker's hand. */
export interface Offer {
  job: Job
  message: JsMsg
}

/** A worker that does one thing at a time, when a test says so; everything it says goes through the real broker. */
export class HandWorker implements AsyncDisposable {
  readonly id: WorkerId
  readonly nonce: string
  readonly nc: NatsConnection
  readonly controls: Control[] = []
  #beat: ReturnType<typeof setInterval>

  private constructor(id: WorkerId, nc: NatsConnection, nonce: string) {
    this.id = id
    this.nonce = nonce
    this.nc = nc
    nc.subscribe(subjects.ctl(id), {
      callback: (error, msg) => {
        if (!error) this.controls.push(Control.parse(msg.json()))
      },
    })
    const beat = () => nc.publish(subjects.beat(id), JSON.stringify(this.#beatNow()))
    beat()
    this.#beat = setInterval(beat, BEAT_MS)
  }

  /** With the nonce of another, it is the same process on another connection. */
  static async connect(url: string, nonce = newNonce()): Promise<HandWorker> {
    const nc = await connect(connectionOptions(url))
    const worker = new HandWorker(WorkerId.parse(new URL(url).username), nc, nonce)
    await nc.flush()
    return worker
  }

  /** Pulls one job, or nothing within `waitMs`. */
  async pull(waitMs = 10_000): Promise<Offer> {
    const consumer = jetstream(this.nc).consumers.getConsumerFromInfo({
      stream_name: 'JOBS',
      name: consumerOf(queue),
      config: {},
    } as Parameters<ReturnType<typeof jetstream>['consumers']['getConsumerFromInfo']>[0])
    const message = await consumer.next({ expires: waitMs })
    if (!message) throw new Error(`nothing was offered to ${this.id} within ${waitMs} ms`)
    return { job: Job.parse(message.json()), message }
  }

  async claim({ job, message }: Offer, ack = replyOf(message)): Promise<ClaimAnswer> {
    const claim = { ack, connection: this.nc.info?.client_id ?? 0, nonce: this.nonce }
    const subject = subjects.claim(job.gateway, this.id, job.id)
    const answer = await this.nc.request(subject, JSON.stringify(claim), { timeout: 2_000 })
    return ClaimAnswer.parse(answer.json())
  }

  async take(waitMs?: number): Promise<{ offer: Offer; grant: Grant }> {
    const offer = await this.pull(waitMs)
    const grant = await this.claim(offer)
    if (!grant.go) throw new Error(`refused: ${grant.why}`)
    return { offer, grant }
  }

  say({ job }: Offer, epoch: number, seq: number, body: FrameBody): void {
    this.nc.publish(subjects.out(this.id, job.id), encodeFrame(epoch, seq, body))
  }

  /** Tokens `from` to `to` - 1 of the echo answer, a frame each. */
  echo(offer: Offer, epoch: number, [from, to]: [number, number]): void {
    const seed = offer.job.kind === 'chat' ? offer.job.sampling.seed : 0
    for (let i = from; i < to; i++) {
      const { id, text } = echoToken(seed, i)
      this.say(offer, epoch, i, { kind: 'tokens', ids: [id], texts: [text] })
    }
  }

  end(offer: Offer, epoch: number, seq: number): void {
    this.say(offer, epoch, seq, { kind: 'end', finish: 'stop', promptTokens: 1, cachedTokens: 0 })
  }

  /** One beat with other offerings than its own. */
  beat(offerings: Beat['offerings']): void {
    this.nc.publish(subjects.beat(this.id), JSON.stringify({ ...this.#beatNow(), offerings }))
  }

  /** As if its machine were cut off: no beat, and no end of its connection either. */
  stopBeating(): void {
    clearInterval(this.#beat)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beat)
    await this.nc.close()
  }

  #beatNow(): Beat {
    const offering = {
      kind: queue.kind,
      queue: queue.name,
      models: ['echo-20-0-0'],
      slots: 4,
      free: 4,
      contextTokens: 0,
      stepMs: 0,
      createdAtMs: 0,
    }
    return {
      nonce: this.nonce,
      connection: this.nc.info?.client_id ?? 0,
      version: 'test',
      device: 'test',
      draining: false,
      rssBytes: 0,
      offerings: [offering],
    }
  }
}
