import { describe, test } from 'vitest'
import { readEnv } from './env.ts'

const least = { WORKER_ID: 'spark-1', NATS_URL: 'nats://spark-1:p%40ss@broker:4222' }

describe('the environment', () => {
  test('needs two variables', ({ expect }) => {
    expect(readEnv(least)).toMatchObject({
      WORKER_ID: 'spark-1',
      NATS_URL: { server: 'broker:4222', user: 'spark-1', pass: 'p@ss', tls: false },
      JUNE_MODELS: 'all',
      JUNE_MODELS_DIR: ['models'],
      JUNE_ECHO: '0',
      JUNE_DEVICE: 'auto',
      JUNE_PACE: 'on',
      DRAIN_GRACE_MS: 3_500,
      WORKER_PORT: 0,
    })
  })

  test('takes lists, numbers and TLS', ({ expect }) => {
    const vars = {
      ...least,
      NATS_URL: 'tls://spark-1:x@[::1]:4222',
      JUNE_MODELS_DIR: '/a:/b c:',
      JUNE_MODELS: 'june-chat, qwen3',
      JUNE_THREADS: '4',
      JUNE_ECHO: '1',
    }
    expect(readEnv(vars)).toMatchObject({
      NATS_URL: { server: '[::1]:4222', tls: true },
      JUNE_MODELS_DIR: ['/a', '/b c'],
      JUNE_MODELS: ['june-chat', 'qwen3'],
      JUNE_THREADS: 4,
      JUNE_ECHO: '1',
    })
  })

  test('takes an empty variable for an absent one', ({ expect }) => {
    expect(readEnv({ ...least, JUNE_THREADS: '', LOG_LEVEL: '' })).toMatchObject({
      LOG_LEVEL: 'info',
    })
  })

  test('names all that is wrong at once, with what to do', ({ expect }) => {
    const vars = {
      WORKER_ID: 'Spark 1',
      JUNE_ECHO_SLOTS: '0',
      JUNE_DEVICE: 'tpu',
      WORKER_PORT: '70000',
    }
    expect(readEnv(vars)).toEqual({
      problems: `This worker cannot start:
  WORKER_ID is "Spark 1". A worker id is 1-48 of a-z, 0-9 and "-".
  NATS_URL is not set. Set it to nats://<WORKER_ID>:<password>@<host>:<port>, as "june worker" prints it.
  JUNE_ECHO_SLOTS is "0". Set it to a whole number from 1 to 4096.
  JUNE_DEVICE is "tpu". Set it to one of auto, cpu, cuda.
  WORKER_PORT is "70000". Set it to a whole number from 0 to 65535.
`,
    })
  })

  test('wants the connection to be the worker, and shows no password', ({ expect }) => {
    const bad = readEnv({ ...least, NATS_URL: 'nats://other:hunter2@broker:4222' })
    expect(bad).toEqual({ problems: expect.stringContaining('Its user must be the WORKER_ID') })
    expect(JSON.stringify(bad)).not.toContain('hunter2')
  })
})
