import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from '@nats-io/nats-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WorkerId } from '../../proto/ids.ts'
import { consumerOf, JOBS, subjects, type Queue } from '../../proto/subjects.ts'
import { freePort } from '../local/free-port.ts'
import { startNats } from '../testing/start-nats.ts'
import { connectionOptions } from './connection-options.ts'
import { findServer } from './find-server.ts'
import { workerMay } from './server-config.ts'
import { applyStreams, ensureConsumer } from './streams.ts'

/*
 * A worker may pull, and a pull carries a reply subject that no permission looks at: an empty pull that expires at once
 * makes the server itself publish a status there. If that is the API's subject for deleting a stream, the stream is gone,
 * without an error. It was so on 2.10.27 and on 2.15.1.
 */
const queue: Queue = { kind: 'chat', name: 'echo' }
const NEXT = `$JS.API.CONSUMER.MSG.NEXT.${JOBS}.${consumerOf(queue)}`
const ATTACKS = [
  `$JS.API.STREAM.PURGE.${JOBS}`,
  `$JS.API.CONSUMER.DELETE.${JOBS}.${consumerOf(queue)}`,
  `$JS.API.STREAM.DELETE.${JOBS}`,
]

describe('a worker that forges the reply subject of its pull', () => {
  test.for(ATTACKS)('does nothing with %s', async (reply) => {
    const nats = await startNats({ queues: [queue] })
    onTestFinished(() => nats[Symbol.asyncDispose]())
    const { state } = await attacked(nats.operatorUrl, nats.url('w1'), reply)
    expect(state).toBe('1 job, 1 consumer')
  })
})

describe('the same worker in one account with the gateways: the control, that the attack is one', () => {
  test.for([
    [ATTACKS[0], '0 jobs, 1 consumer'],
    [ATTACKS[1], '1 job, 0 consumers'],
    [ATTACKS[2], 'no stream'],
  ] as const)('%s leaves %s', async ([reply = '', left]) => {
    const { operatorUrl, workerUrl } = await startOneAccount()
    const { state } = await attacked(operatorUrl, workerUrl, reply)
    expect(state).toBe(left)
  })
})

async function attacked(operatorUrl: string, workerUrl: string, reply: string) {
  const operator = await connect(connectionOptions(operatorUrl))
  const worker = await connect(connectionOptions(workerUrl))
  onTestFinished(async () => {
    await operator.close()
    await worker.close()
  })
  await applyStreams(operator)
  await ensureConsumer(await jetstreamManager(operator), queue)
  await jetstream(operator).publish(subjects.job(queue), 'a job')
  // Another worker holds the job, so that the pull finds nothing and is answered with a bare status.
  await jetstream(operator)
    .consumers.get(JOBS, consumerOf(queue))
    .then((own) => own.next())
  worker.publish(NEXT, JSON.stringify({ batch: 1, no_wait: true }), { reply })
  worker.publish(NEXT, JSON.stringify({ batch: 1, expires: 1_000_000 }), { reply })
  await worker.flush()
  await new Promise((resolve) => setTimeout(resolve, 300))
  return { state: await stateOf(operator) }
}

async function stateOf(operator: NatsConnection): Promise<string> {
  const { streams } = await jetstreamManager(operator)
  const names = await Array.fromAsync(streams.names())
  if (!names.includes(JOBS)) return 'no stream'
  const { state } = await streams.info(JOBS)
  return `${counted(state.messages, 'job')}, ${counted(state.consumer_count, 'consumer')}`
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** The very permissions of `serverConfig`, but no wall between the accounts. */
async function startOneAccount(): Promise<{ operatorUrl: string; workerUrl: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'june-one-account-'))
  const port = await freePort()
  const { publish, subscribe } = workerMay({ id: WorkerId.parse('w1'), queues: [queue] })
  const file = join(dir, 'nats.conf')
  await writeFile(
    file,
    `listen: "127.0.0.1:${port}"
jetstream { store_dir: ${JSON.stringify(join(dir, 'js'))} }
accounts { ONE: { jetstream: enabled, users: [
  { user: operator, password: p }
  { user: w1, password: p, permissions: {
    publish: { allow: ${JSON.stringify(publish)} }, subscribe: { allow: ${JSON.stringify(subscribe)} } } }
] } }`,
  )
  const binary = await findServer({ env: process.env })
  const server = spawn(binary, ['-c', file], { stdio: 'ignore' })
  onTestFinished(async () => {
    server.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  const url = (user: string): string => `nats://${user}:p@127.0.0.1:${port}`
  await expect
    .poll(() =>
      connect({ ...connectionOptions(url('operator')), reconnect: false }).then((nc) => nc.close()),
    )
    .toBeUndefined()
  return { operatorUrl: url('operator'), workerUrl: url('w1') }
}
