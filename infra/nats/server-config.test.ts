import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from '@nats-io/transport-node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WorkerId } from '../../proto/ids.ts'
import { startNats } from '../testing/start-nats.ts'
import { connectionOptions } from './connection-options.ts'
import { findServer } from './find-server.ts'
import { gatewayMay, serverConfig, workerMay } from './server-config.ts'

const w1 = WorkerId.parse('w1')

describe('the configuration of nats-server', () => {
  test('is one that the server accepts, whatever is in a password or a path', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'june-conf-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    const file = join(dir, 'nats.conf')
    const text = serverConfig({
      host: '127.0.0.1',
      ports: { client: 4222, websocket: 9223, monitor: 8222 },
      storeDir: join(dir, 'a "quoted" $folder # here'),
      operator: '$ecret "quoted" \\ #',
      gateways: [{ name: 'g1', password: 'p' }],
      workers: [{ id: w1, password: 'p', queues: [{ kind: 'chat', name: 'qwen3-0.6b/q8' }] }],
    })
    await writeFile(file, text)
    const { stderr } = await promisify(execFile)(await findServer({ env: process.env }), [
      '-t',
      '-c',
      file,
    ])
    expect(stderr).toContain('is valid')
  })

  test('lets a worker pull its own queues, claim, answer and beat as itself, and nothing else', () => {
    const queues = [
      { kind: 'chat', name: 'june-chat' },
      { kind: 'chat', name: 'qwen3-0.6b' },
    ] as const
    expect(workerMay({ id: w1, queues })).toEqual({
      publish: [
        '$JS.API.CONSUMER.MSG.NEXT.JOBS.chat-june-chat',
        '$JS.API.CONSUMER.MSG.NEXT.JOBS.chat-qwen3-0=2e6b',
        'claim.*.w1.*',
        'out.w1.*',
        'beat.w1',
      ],
      subscribe: ['_INBOX.w1.>', 'ctl.w1', 'in.w1.*'],
    })
  })

  test('lets a gateway hear only its own inbox, and write wherever gateways do', () => {
    expect(gatewayMay('g1')).toMatchInlineSnapshot(`
      {
        "publish": [
          "job.>",
          "held.>",
          "ledger.>",
          "dead.>",
          "answer.>",
          "idem.>",
          "response.>",
          "cache.>",
          "$KV.workers.>",
          "read.*",
          "claim.>",
          "ctl.>",
          "in.>",
          "gwbeat.*",
          "keys.changed",
          "money.changed",
          "money.wanted.*",
          "$JS.API.>",
          "$JS.ACK.>",
          "_INBOX.>",
          "_R_.>",
        ],
        "subscribe": [
          "_INBOX.g1.>",
          "claim.>",
          "out.>",
          "beat.>",
          "gwbeat.>",
          "sys.>",
          "read.*",
          "keys.changed",
          "money.changed",
          "money.wanted.*",
        ],
      }
    `)
  })
})

describe('a running server', () => {
  test('refuses a worker every subject that is not its own, and keeps the connection', async () => {
    const nats = await startNats({ gateways: ['g1'], workers: ['w1', 'w2'] })
    onTestFinished(() => nats[Symbol.asyncDispose]())
    const worker = await connect(connectionOptions(nats.url('w1')))
    onTestFinished(() => worker.close())
    const refused: string[] = []
    void (async () => {
      for await (const status of worker.status()) {
        refused.push(status.type)
      }
    })()
    const heard = ['out.>', 'ctl.w2', '_INBOX.>', '_INBOX.w2.>', 'in.w2.*', 'claim.>', 'job.>', '>']
    const said = [
      'out.w2.x',
      'beat.w2',
      'ctl.w1',
      'job.chat.echo',
      'claim.any.w2.x',
      '$JS.ACK.JOBS.x',
    ]
    for (const subject of heard) worker.subscribe(subject, { callback: () => {} })
    for (const subject of said) worker.publish(subject)
    await worker.flush()
    await expect.poll(() => refused).toEqual([...heard, ...said].map(() => 'error'))
    await worker.flush()
  })

  test('speaks to browsers and workerd over WebSocket, with the same users', async () => {
    const nats = await startNats()
    onTestFinished(() => nats[Symbol.asyncDispose]())
    const { wsconnect } = await import('@nats-io/nats-core')
    const gateway = await wsconnect(connectionOptions(nats.wsUrl('g1')))
    await gateway.flush()
    await gateway.close()
    const stranger = connectionOptions(nats.wsUrl('g1').replace(/:[0-9a-f]{32}@/, ':wrong@'))
    await expect(wsconnect(stranger)).rejects.toThrow(/authorization/i)
  })
})
