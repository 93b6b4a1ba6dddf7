import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { openDb } from '../db/client.ts'
import { createKey } from '../db/queries/keys.ts'
import { startDatabase } from '../infra/testing/start-database.ts'
import { startNats, type NatsFixture } from '../infra/testing/start-nats.ts'
import type { Queue } from '../proto/subjects.ts'

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const Ready = z.object({ type: z.literal('ready'), url: z.string() })

/** A child whose CPU is measured, ended with the stack. */
export interface Part {
  pid: number
  url: string
}

export interface BenchStack extends AsyncDisposable {
  nats: NatsFixture
  key: string
  gateway: Part
  /** The bare control: `node:http` and NATS, without auth, limits, ledger, claims by compare-and-set or a framework. */
  control: Part
  /** The worker for `chat-echo` that has no engine and makes every token a frame. */
  firehose: Part
  /** A real worker with the models of a folder, at full pace. */
  startWorker(modelsDir: string): Promise<Part>
}

const QUEUES: Queue[] = [
  { kind: 'chat', name: 'echo' },
  { kind: 'duplex', name: 'echo' },
  { kind: 'chat', name: 'bench-chat' },
]

/** Real processes on this machine, one gateway, everything that production has switched on. */
export async function startBench(): Promise<BenchStack> {
  const nats = await startNats({
    gateways: ['g1', 'g2'],
    workers: ['w1', 'w2', 'w3'],
    queues: QUEUES,
  })
  const database = await startDatabase()
  const db = openDb(database.url)
  const { apiKey } = await createKey(db, {
    name: 'bench',
    scope: 'developer',
    requestsPerMinute: 1_000_000,
  })
  await db.$client.end()
  const children: ChildProcess[] = []
  const start = async (
    file: string,
    args: string[],
    env: Record<string, string>,
  ): Promise<Part> => {
    const child = fork(path(file), args, { env: { ...process.env, LOG_LEVEL: 'error', ...env } })
    children.push(child)
    for await (const [message] of on(child)) {
      const ready = Ready.safeParse(message)
      if (ready.success) return { pid: child.pid ?? 0, url: ready.data.url }
    }
    throw new Error(`${file} ended before it was ready`)
  }
  const gateway = await start('../edge/node/main.ts', [], {
    GATEWAY_NAME: 'g1',
    PORT: '0',
    NATS_URL: nats.url('g1'),
    DATABASE_URL: database.url,
  })
  const firehose = await start('firehose-worker.ts', [nats.url('w1'), '16'], {})
  const control = await start('control.ts', [nats.url('g2')], {})
  return {
    nats,
    key: apiKey,
    gateway,
    control,
    firehose,
    startWorker: (modelsDir) =>
      start('../workers/main.ts', [], {
        WORKER_ID: 'w2',
        NATS_URL: nats.url('w2'),
        WORKER_PORT: '0',
        JUNE_MODELS_DIR: modelsDir,
        JUNE_PACE: 'off',
        UV_THREADPOOL_SIZE: '16',
      }),
    async [Symbol.asyncDispose]() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await database[Symbol.asyncDispose]()
      await nats[Symbol.asyncDispose]()
    },
  }
}

/** The messages of a child, until it ends. */
async function* on(child: ChildProcess): AsyncGenerator<unknown[]> {
  for (;;) {
    const next = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => undefined),
    ])
    if (!next) return
    yield next
  }
}
