import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { leashed } from '../leash.ts'

export interface WorkerOptions {
  /** Its user is the worker's id. */
  natsUrl: string
  env?: Record<string, string>
  /** Words before the command: a network namespace to run it in. */
  within?: readonly string[]
}

export interface WorkerFixture extends AsyncDisposable {
  id: string
  pid: number
  /** Of its metrics page. */
  url: string
  /** What it wrote to its log so far. */
  said: () => string
  over: Promise<unknown>
}

const MAIN = fileURLToPath(new URL('../../workers/main.ts', import.meta.url))
const FromWorker = z.object({ type: z.string(), url: z.string().optional() })

/** A worker that no launcher watches: who starts it decides when it ends, and nobody starts it again. */
export async function startWorker(options: WorkerOptions): Promise<WorkerFixture> {
  const { natsUrl, env = {}, within = [] } = options
  const id = new URL(natsUrl).username
  const [file, ...args] = [...within, process.execPath, MAIN]
  const child = spawn(...leashed(file, args), {
    env: {
      // oxlint-disable-next-line node/no-process-env -- a fixture has no main that could hand it over
      ...process.env,
      WORKER_ID: id,
      NATS_URL: natsUrl,
      WORKER_PORT: '0',
      JUNE_ECHO: '1',
      JUNE_MODELS: 'none',
      LOG_LEVEL: 'warn',
      DRAIN_GRACE_MS: '0',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const over = once(child, 'exit')
  return {
    id,
    pid: child.pid ?? 0,
    url: await readyUrl(child, () => said),
    said: () => said,
    over,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await over
    },
  }
}

async function readyUrl(child: ChildProcess, said: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  child.on('message', (message) => {
    const { type, url } = FromWorker.parse(message)
    if (type === 'ready') resolve(url ?? '')
  })
  child.once('exit', (code) => reject(new Error(`the worker ended with ${code}:\n${said()}`)))
  return promise
}
