import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { connectionOptions } from '../infra/nats/connection-options.ts'
import { frameHead, textOf } from '../proto/frame.ts'
import { newJobId, newSecret, type GatewayId } from '../proto/ids.ts'
import { CREDIT_WINDOW, type ChatJob } from '../proto/job.ts'
import { partOf, subjects } from '../proto/subjects.ts'

/**
 * The least that can stand where the gateway stands: one stored job, one granted claim, frames to events. No key, no
 * limit, no ledger, no fence, no framework. What the gateway costs beyond this row is what June's promises cost.
 */
const nc = await connect({ ...connectionOptions(process.argv[2] ?? ''), noAsyncTraces: true })
const js = jetstream(nc)
const gateway = 'g2-control' as GatewayId
const acks = new Map<string, string>()

nc.subscribe(subjects.claimsOf(gateway), {
  callback: (error, msg) => {
    if (error) return
    const id = partOf(msg.subject, 3)
    acks.set(id, msg.json<{ ack: string }>().ack)
    const grant = {
      go: true,
      epoch: 1,
      from: 0,
      prefix: [],
      credit: 1e6,
      inputFrom: 0,
      leftMs: 60_000,
      secret: newSecret(),
    }
    msg.respond(JSON.stringify(grant))
  },
})

const server = createServer((incoming, outgoing) => {
  let body = ''
  incoming.on('data', (data: Buffer) => (body += data.toString()))
  incoming.on('end', () => {
    const { model, seed } = JSON.parse(body) as { model: string; seed: number }
    const job = jobOf(model, seed)
    const base = `data: {"id":"${job.id}","object":"chat.completion.chunk","created":0,"model":"${model}","choices":[{"index":0,"delta":`
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
    const subscription = nc.subscribe(subjects.outOf(job.id), {
      callback: (error, msg) => {
        const head = error ? undefined : frameHead(msg.data)
        if (head?.kind === 'tokens')
          outgoing.write(
            `${base}{"content":${JSON.stringify(textOf(msg.data, head.count))}},"finish_reason":null}]}\n\n`,
          )
        if (head?.kind !== 'end') return
        outgoing.end(`${base}{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`)
        subscription.unsubscribe()
        nc.publish(acks.get(job.id) ?? '', '+ACK')
        acks.delete(job.id)
      },
    })
    void js.publish(subjects.job({ kind: 'chat', name: 'echo' }), JSON.stringify(job), {
      msgID: job.id,
    })
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ type: 'ready', url: `http://127.0.0.1:${port}` })
})
process.on('disconnect', () => process.exit(0))

function jobOf(model: string, seed: number): ChatJob {
  const sampling = {
    temperature: 0,
    topP: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    seed,
    maxTokens: null,
    stop: [],
  }
  const admittedAtMs = Date.now()
  const deadlineAtMs = admittedAtMs + CREDIT_WINDOW * 1_000
  const messages = [{ role: 'user' as const, text: 'hi' }]
  return {
    id: newJobId(),
    kind: 'chat',
    model,
    gateway,
    tenant: 'bench',
    key: 'bench',
    priority: 'default',
    admittedAtMs,
    deadlineAtMs,
    reading: { resumable: false, includeUsage: false },
    messages,
    sampling,
  }
}
