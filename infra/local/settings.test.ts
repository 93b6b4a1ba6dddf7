import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Trouble } from '../trouble.ts'
import { readSettings } from './settings.ts'

const EDGE = 'nats://g1:secret@nats.example:4222'

function troubleOf(vars: Record<string, string>, args: string[] = []): string {
  try {
    readSettings(vars, args)
  } catch (thrown) {
    if (thrown instanceof Trouble) return `${thrown.message}\n${thrown.remedy}`
    throw thrown
  }
  return ''
}

describe('settings', () => {
  test('are all optional, and an empty variable is one that is not set', () => {
    expect(readSettings({ WORKERS: '', DATABASE_URL: '' }, [])).toMatchObject({
      WORKERS: 1,
      GATEWAYS: 1,
      JUNE_PORT: 8000,
      gatewayKind: 'node',
      dataDir: resolve('.june'),
      modelDirs: [resolve('models')],
    })
  })

  test('that are wrong are told all at once, each with what to do', () => {
    expect(troubleOf({ WORKERS: 'many', JUNE_PORT: '70000', LOG_LEVEL: 'loud' })).toBe(
      [
        'These variables are wrong:',
        '  WORKERS is "many". Set it to a whole number from 0 to 64.',
        '  LOG_LEVEL is "loud". Set it to one of debug, info, warn, error, silent.',
        '  JUNE_PORT is "70000". Set it to a whole number from 0 to 65535.',
      ].join('\n'),
    )
  })

  test('never show a password', () => {
    const trouble = troubleOf({ NATS_URL: 'http://g1:hunter2@nats', DATABASE_URL: 'x:hunter2@y' })
    expect(trouble).toContain('NATS_URL is wrong')
    expect(trouble).not.toContain('hunter2')
  })

  test('ask for the URLs of the workers where NATS is somebody else’s', () => {
    expect(troubleOf({ NATS_URL: EDGE })).toMatch(/NATS_POOL_URL is not set.*POOL account/)
    expect(troubleOf({ NATS_URL: 'nats://nats.example' })).toMatch(/NATS_URL .*EDGE account/)
    const pool = 'nats://w1:a@nats.example,nats://w2:b@nats.example'
    expect(readSettings({ NATS_URL: EDGE, NATS_POOL_URL: pool, WORKERS: '2' }, [])).toMatchObject({
      NATS_POOL_URL: pool.split(','),
    })
    expect(troubleOf({ NATS_URL: EDGE, NATS_POOL_URL: pool, WORKERS: '3' })).toContain(
      'NATS_POOL_URL',
    )
  })

  test('of --edge are one gateway in workerd, which speaks WebSocket to NATS', () => {
    const settings = readSettings({ GATEWAYS: '3' }, ['--edge'])
    expect(settings).toMatchObject({ gatewayKind: 'workerd', GATEWAYS: 1 })
    expect(troubleOf({ NATS_URL: EDGE, WORKERS: '0' }, ['--edge'])).toContain(
      'NATS_WS_URL is not set',
    )
    expect(troubleOf({}, ['--egde'])).toContain('--egde')
  })

  test('put the models of a person before those that come with June', () => {
    expect(readSettings({ JUNE_MODELS_DIR: '/a:/b' }, []).modelDirs).toEqual([
      '/a',
      '/b',
      resolve('models'),
    ])
  })
})
