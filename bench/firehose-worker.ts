import { jetstream } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { connectionOptions } from '../infra/nats/connection-options.ts'
import { BEAT_MS, type Beat } from '../proto/beat.ts'
import { ClaimAnswer } from '../proto/claim.ts'
import { Control } from '../proto/control.ts'
import { echoToken, parseEcho } from '../proto/echo.ts'
import { encodeFrame } from '../proto/frame.ts'
import { newNonce, WorkerId, type JobId } from '../proto/ids.ts'
import { Job } from '../proto/job.ts'
import { consumerOf, subjects, type Queue } from '../proto/subjects.ts'

/** A worker without an engine: every token is a frame of its own, as fast as credit allows. It keeps the protocol. */
const url = process.argv[2] ?? ''
const slots = Number(process.argv[3] ?? 16)
const queue: Queue = { kind: 'chat', name: 'echo' }
const worker = WorkerId.parse(new URL(url).username)
const nonce = newNonce()
const nc = await connect({ ...connectionOptions(url), noAsyncTraces: true })
const credits = new Map<JobId, (upTo: number) => void>()

nc.subscribe(subjects.ctl(worker), {
  callback: (error, msg) => {
    if (error) return
    const control = Control.parse(msg.json())
    credits.get(control.job)?.(control.type === 'credit' ? control.upTo : Number.POSITIVE_INFINITY)
  },
})
setInterval(() => nc.publish(subjects.beat(worker), JSON.stringify(beat())), BEAT_MS)
const consumer = jetstream(nc).consumers.getConsumerFromInfo({
  stream_name: 'JOBS',
  name: consumerOf(queue),
  config: {},
} as Parameters<ReturnType<typeof jetstream>['consumers']['getConsumerFromInfo']>[0])
for (let slot = 0; slot < slots; slot++) void serve()
process.send?.({ type: 'ready', url: '' })
process.on('disconnect', () => process.exit(0))

async function serve(): Promise<void> {
  for (;;) {
    const message = await consumer.next({ expires: 2_000 }).catch(() => undefined)
    if (!message) continue
    const job = Job.parse(message.json())
    const ack = 'reply' in message ? String(message.reply) : ''
    const claim = { ack, connection: nc.info?.client_id ?? 0, nonce }
    const answer = await nc.request(
      subjects.claim(job.gateway, worker, job.id),
      JSON.stringify(claim),
    )
    const grant = ClaimAnswer.parse(answer.json())
    if (grant.go) await pour(nc, job, grant)
  }
}

/** How far an answer may go. */
class Window {
  #upTo: number
  #wake: (() => void) | undefined

  constructor(upTo: number) {
    this.#upTo = upTo
  }

  raise(upTo: number): void {
    this.#upTo = upTo
    this.#wake?.()
  }

  reaches(position: number): Promise<void> | undefined {
    if (position < this.#upTo) return undefined
    return new Promise((resolve) => (this.#wake = resolve))
  }
}

async function pour(
  to: NatsConnection,
  job: Job,
  grant: { epoch: number; credit: number },
): Promise<void> {
  const echo = parseEcho(job.model)
  const tokens = echo?.kind === 'chat' ? echo.tokens : 0
  const seed = job.kind === 'chat' ? job.sampling.seed : 0
  const subject = subjects.out(worker, job.id)
  const window = new Window(grant.credit)
  credits.set(job.id, (upTo) => window.raise(upTo))
  for (let i = 0; i < tokens; i++) {
    // Awaiting nothing would still cost a turn for every token.
    const closed = window.reaches(i)
    if (closed) await closed
    const { id, text } = echoToken(seed, i)
    to.publish(subject, encodeFrame(grant.epoch, i, { kind: 'tokens', ids: [id], texts: [text] }))
  }
  const end = { kind: 'end', finish: 'stop', promptTokens: 1, cachedTokens: 0 } as const
  to.publish(subject, encodeFrame(grant.epoch, tokens, end))
  credits.delete(job.id)
}

function beat(): Beat {
  const models = ['echo-1-0-0', 'echo-2048-0-0']
  const one = {
    kind: queue.kind,
    queue: queue.name,
    models,
    slots,
    free: slots,
    contextTokens: 0,
    stepMs: 0,
    createdAtMs: 0,
  }
  return {
    nonce,
    connection: nc.info?.client_id ?? 0,
    version: 'bench',
    device: 'none',
    draining: false,
    rssBytes: 0,
    offerings: [one],
  }
}
