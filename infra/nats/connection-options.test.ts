import { connect } from '@nats-io/transport-node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startNats } from '../testing/start-nats.ts'
import { connectionOptions } from './connection-options.ts'

describe('the options of a connection', () => {
  test('take user and password out of the URL', () => {
    expect(connectionOptions('nats://g1:p%40ss@h:4222')).toEqual({
      servers: 'nats://h:4222',
      user: 'g1',
      pass: 'p@ss',
      inboxPrefix: '_INBOX.g1',
    })
  })

  test('leave it to wss:// to encrypt by itself', () => {
    expect(connectionOptions('wss://g1:p@h')).not.toHaveProperty('tls')
  })

  test('let nobody speak in the clear to whom tls:// was said', async () => {
    const nats = await startNats({ gateways: ['g1'] })
    onTestFinished(() => nats[Symbol.asyncDispose]())
    const url = nats.url('g1').replace('nats://', 'tls://')
    await expect(connect({ ...connectionOptions(url), reconnect: false })).rejects.toThrow(/tls/)
  })
})
