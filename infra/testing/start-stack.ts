import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { leashed } from '../leash.ts'
import { RunFile, runFileIn } from '../local/run-file.ts'
import { processesWith } from './processes.ts'

export interface StackOptions {
  workers?: number
  gateways?: number
  /** Over what the launcher finds otherwise: `JUNE_MODELS`, `LOG_LEVEL`, a `JUNE_DATA_DIR` that stays. */
  env?: Record<string, string>
  args?: readonly string[]
}

export interface StackFixture extends AsyncDisposable {
  /** `june.json` as it was when everything had come up. */
  run: RunFile
  /** `june.json` as it is now. */
  read: () => Promise<RunFile>
  dataDir: string
  pid: number
  /** What the launcher has said so far. */
  said: () => string
  /** Sends the launcher a signal, and waits until it and all that it started are gone. How long that took. */
  end: (signal: NodeJS.Signals) => Promise<{ code: number | null; tookMs: number }>
}

const MAIN = fileURLToPath(new URL('../local/main.ts', import.meta.url))
/** Longer than the launcher allows itself. */
const GONE_MS = 8_000

/** An empty variable is one that is not set: whatever database the tests use, this stack has its own. */
export const ANY_PORT = {
  DATABASE_URL: '',
  NATS_URL: '',
  NATS_POOL_URL: '',
  JUNE_PORT: '0',
  NATS_PORT: '0',
  NATS_WS_PORT: '0',
  NATS_MONITOR_PORT: '0',
  POSTGRES_PORT: '0',
  WORKER_PORT: '0',
}

/** A whole June: the real launcher, on ports it picks, in a folder that goes with it. */
export async function startStack(options: StackOptions = {}): Promise<StackFixture> {
  const { workers = 1, gateways = 1, env = {}, args = [] } = options
  const made = await mkdtemp(join(tmpdir(), 'june-stack-'))
  const dataDir = env['JUNE_DATA_DIR'] ?? made
  const child = spawn(...leashed(process.execPath, [MAIN, ...args]), {
    env: {
      // oxlint-disable-next-line node/no-process-env -- a fixture has no main that could hand it over
      ...process.env,
      ...ANY_PORT,
      JUNE_ECHO: '1',
      // Two threads more a worker, for those who ask for them.
      JUNE_LEXICAL: '0',
      WORKERS: String(workers),
      GATEWAYS: String(gateways),
      JUNE_DATA_DIR: dataDir,
      // By this every process of this stack is known: the folder alone may be shared with another.
      JUNE_STACK: made,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  const over = once(child, 'close')
  const end: StackFixture['end'] = async (signal) => {
    const startedMs = performance.now()
    child.kill(signal)
    const left = await nothingLeft(made)
    if (left.size > 0) {
      for (const pid of left.keys()) process.kill(pid, 'SIGKILL')
      throw new Error(`The launcher left behind: ${[...left.values()].join('; ')}\n${said}`)
    }
    await over
    return { code: child.exitCode, tookMs: performance.now() - startedMs }
  }
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await end('SIGTERM')
    await rm(made, { recursive: true, force: true })
  }

  const ready = once(child, 'message').then(() => true)
  if (!(await Promise.race([ready, over.then(() => false)]))) {
    await dispose()
    throw new Error(`The launcher ended with ${child.exitCode}:\n${said}`)
  }
  const read = async (): Promise<RunFile> =>
    RunFile.parse(JSON.parse(await readFile(runFileIn(dataDir), 'utf8')))
  return {
    run: await read(),
    read,
    dataDir,
    pid: child.pid ?? 0,
    said: () => said,
    end,
    [Symbol.asyncDispose]: dispose,
  }
}

async function nothingLeft(mark: string): Promise<Map<number, string>> {
  const untilMs = performance.now() + GONE_MS
  let left = await processesWith(`JUNE_STACK=${mark}\0`)
  while (left.size > 0 && performance.now() < untilMs) {
    await sleep(50)
    left = await processesWith(`JUNE_STACK=${mark}\0`)
  }
  return left
}
