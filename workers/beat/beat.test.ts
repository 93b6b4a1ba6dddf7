import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { pino } from 'pino'
import { test } from 'vitest'
import { startNats } from '../../infra/testing/start-nats.ts'
import { Beat } from '../../proto/beat.ts'
import { WorkerId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import { Link } from '../intake/link.ts'
import { HandGateway } from '../intake/testing/hand-gateway.ts'
import { HandLane } from '../intake/testing/hand-lane.ts'
import { beat } from './beat.ts'

test('beats tell five times a second what is free, and at once that the worker drains', async ({
  expect,
}) => {
  await using nats = await startNats({ gateways: ['g1'], workers: ['w1'] })
  await using gateway = await HandGateway.open(nats.url('g1'))
  const heard: Beat[] = []
  gateway.nc.subscribe(subjects.beats, {
    callback: (_, message) => void heard.push(Beat.parse(message.json())),
  })
  await gateway.nc.flush()
  const { host, password: pass } = new URL(nats.url('w1'))
  await using nc = await connect({
    servers: host,
    user: 'w1',
    pass,
    reconnectDelayHandler: () => 50,
  })
  const link = new Link(nc, pino({ level: 'silent' }))
  const lane = new HandLane({ kind: 'chat', queue: 'echo', slots: 2 })
  const worker = WorkerId.parse('w1')
  const identity = { worker, nonce: '0badcafe', version: '1.2.3', device: 'cpu' }

  const heart = beat({ link, lanes: [lane], ...identity })
  await sleep(1_050)
  expect(heard.length).toBeGreaterThanOrEqual(5)
  expect(heard.length).toBeLessThanOrEqual(7)
  expect(heard[0]).toMatchObject({
    nonce: '0badcafe',
    connection: link.connection,
    version: '1.2.3',
    draining: false,
    offerings: [{ kind: 'chat', queue: 'echo', slots: 2, free: 2 }],
  })

  lane.dead = true
  await expect.poll(() => heard.at(-1)?.offerings[0]?.free).toBe(0)
  heart.drain()
  await nc.flush()
  await gateway.nc.flush()
  expect(heard.at(-1)?.draining).toBe(true)

  // A new connection is another number, and no beat of the time between them is kept.
  await nc.reconnect()
  await expect.poll(() => heard.at(-1)?.connection).not.toBe(heard[0]?.connection)
  expect(heard.at(-1)?.connection).toBe(link.connection)
  heart.stop()
  await sleep(50)
  const last = heard.length
  await sleep(450)
  expect(heard).toHaveLength(last)
})
