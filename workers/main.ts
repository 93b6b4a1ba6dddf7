import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { z } from 'zod'
import { newNonce } from '../proto/ids.ts'
import { beat } from './beat/beat.ts'
import { readEnv, type Env } from './env.ts'
import { metrics } from './health/metrics.ts'
import { openHealth } from './health/open-health.ts'
import { connectWorker } from './intake/connect-worker.ts'
import { Counts } from './intake/counts.ts'
import { Link } from './intake/link.ts'
import { openIntake } from './intake/open-intake.ts'
import { openLanes } from './lanes/open-lanes.ts'

/** How long a broker that is gone may keep us from closing. */
const CLOSE_MS = 1_000
const NOTHING =
  'There is nothing to serve: see JUNE_MODELS_DIR, JUNE_MODELS, JUNE_ECHO and JUNE_LEXICAL.'

async function main(env: Env): Promise<void> {
  const worker = env.WORKER_ID
  const nonce = newNonce()
  const log = pino({ level: env.LOG_LEVEL, base: { worker, nonce } }, pino.destination(2))
  const report = (text: string): void => {
    log.info(text)
    tell({ type: 'progress', text })
  }
  const ending = untilTold()

  await using stack = new AsyncDisposableStack()
  // Models are loaded once the broker answers: a wrong address is seen in a second, not after a minute.
  const nc = await connectWorker(worker, env.NATS_URL, report, ending.signal)
  if (!nc) return
  const link = new Link(nc, log)
  const opening = openLanes(
    {
      modelDirs: env.JUNE_MODELS_DIR,
      models: env.JUNE_MODELS,
      echo: env.JUNE_ECHO === '1',
      echoSlots: env.JUNE_ECHO_SLOTS,
      lexical: env.JUNE_LEXICAL === '1',
      gpu: env.JUNE_DEVICE,
      ...(env.JUNE_THREADS !== undefined && { threads: env.JUNE_THREADS }),
      pace: env.JUNE_PACE === 'on',
    },
    report,
  )
  const lanes = await Promise.race([opening, ending.told])
  if (lanes === 'told') {
    await nc.close()
    return
  }
  if (lanes.length === 0) throw new Error(NOTHING)
  for (const lane of lanes) stack.use(lane)

  const counts = new Counts()
  const intake = openIntake({ link, worker, nonce, lanes, counts, log })
  const heart = beat({ link, worker, nonce, version: versionOf(), device: env.JUNE_DEVICE, lanes })
  const health = await openHealth({
    host: env.HOST,
    port: env.WORKER_PORT,
    ready: () => link.up && !ending.signal.aborted,
    register: metrics({ counts, lanes, running: () => intake.running() }),
    log,
  })
  stack.use(health)
  report(`${worker} serves ${lanes.flatMap((lane) => lane.offering().models).join(', ')}`)
  tell({ type: 'ready', url: health.url })

  const closed = await Promise.race([ending.told, nc.closed().then(() => 'closed' as const)])
  if (closed === 'closed') {
    log.fatal('the connection to the broker closed for good')
    process.exitCode = 1
  } else report(`${worker} drains: ${intake.running()} jobs run`)
  heart.drain()
  await intake.drain(closed === 'closed' ? 0 : env.DRAIN_GRACE_MS)
  heart.stop()
  // Before the lanes, which may take a second to end: what was stopped is handed on once our connection ends.
  await Promise.race([nc.drain().catch(() => {}), delay(CLOSE_MS)])
  await nc.close()
}

/** Says it to the launcher, if one started us with a channel and still holds its end. */
function tell(message: { type: 'progress'; text: string } | { type: 'ready'; url: string }): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** A signal, or the end of whoever started us with a channel. */
function untilTold() {
  const abort = new AbortController()
  const { promise, resolve } = Promise.withResolvers<'told'>()
  const end = (): void => {
    abort.abort()
    resolve('told')
  }
  // Ctrl-C reaches a whole process group, and the launcher sends its own signal after it: twice means no more than once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end)
  process.on('disconnect', end)
  return { told: promise, signal: abort.signal }
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms).unref())

function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

const env = readEnv(process.env)
if ('problems' in env) {
  process.stderr.write(env.problems)
  process.exit(2)
}
try {
  await main(env)
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exitCode = 1
}
// Its channel to the launcher would keep the process alive.
process.exit()
