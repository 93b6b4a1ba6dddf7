import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../infra/local/free-port.ts'
import { startStack } from '../infra/testing/start-stack.ts'
import { Manifest } from '../workers/models/manifest.ts'
import { TimedAnswer, type Asked } from './failover-client.ts'
import { Watch } from './failover-watch.ts'
import { median, spread, type Row } from './report.ts'

const LEAVE_AFTER = 8
const JITTER_MS = 100
/** From a job's message at the broker to its place in JOBS, with room to spare. */
const STORED_MS = 100

const SUBJECTS = [
  { name: 'echo, 20 ms a token', long: 'echo-100000-20-0', short: 'echo-24-20-0' },
  { name: 'built-in model', long: 'june-chat', short: 'june-chat' },
] as const

interface Times {
  free: number[]
  next: number[]
  ended: number[]
}

/**
 * How long a slot is lost to a client that hung up. One worker with one slot for each model, so that the slot in
 * question is the only one that could become free, or take the job that waits.
 */
export async function cancelBench(repetitions: number): Promise<Row[]> {
  const models = await modelsOfOneSlot()
  const port = await freePort()
  const env = {
    LOG_LEVEL: 'warn',
    JUNE_ECHO_SLOTS: '1',
    JUNE_MODELS_DIR: models,
    WORKER_PORT: String(port),
  }
  await using stack = await startStack({ workers: 1, env })
  await using watch = await Watch.open(stack.run.nats.url)
  const slots = new FreeSlots(port)
  const all = await slots.now()
  const { gateway: url, key } = stack.run
  const ask = (model: string, maxTokens?: number): Promise<TimedAnswer> => {
    const asked: Asked = { url, key, model, text: 'Tell me about June.' }
    return TimedAnswer.ask(maxTokens === undefined ? asked : { ...asked, maxTokens })
  }

  const untilFree = async (left: TimedAnswer): Promise<number> => {
    const leftAtMs = performance.now()
    left.hangUp()
    while ((await slots.now()) < all);
    return performance.now() - leftAtMs
  }

  const rows: Row[] = []
  for (const { name, long, short } of SUBJECTS) {
    const times: Times = { free: [], next: [], ended: [] }
    for (let round = 0; round < repetitions; round++) {
      await watch.idle(1)
      const left = await ask(long)
      await moment(left)
      times.free.push(await untilFree(left))

      for (const how of ['next', 'ended'] as const) {
        await watch.idle(1)
        const first = how === 'next' ? await ask(long) : await ask(short, 24)
        const askedAtMs = performance.now()
        const behind = waiting(watch, () => ask(short, 3))
        await behind.stored
        if (how === 'next') await moment(first)
        const leftAtMs = performance.now()
        if (how === 'next') first.hangUp()
        const claim = await watch.claimBehind(first.job, askedAtMs)
        await first.over
        times[how].push(claim.atMs - (first.doneAtMs ?? leftAtMs))
        const { over } = await behind.answer
        await over
      }
      process.stderr.write('.')
    }
    rows.push(
      spread('hang-up to slot free, by the worker’s metrics', name, times.free),
      spread('hang-up to the next claim for the slot', name, times.next),
      spread('[DONE] at the client to the next claim, nobody hung up', name, times.ended),
    )
  }
  const note = `one look at the metrics takes ${median(slots.looksMs).toFixed(1)} ms p50`
  slots.close()
  await rm(models, { recursive: true })
  return rows.map((row) =>
    row.bench.includes('metrics') ? { ...row, note: `${row.note}, ${note}` } : row,
  )
}

async function moment(answer: TimedAnswer): Promise<void> {
  await answer.reaches(LEAVE_AFTER)
  await sleep(Math.random() * JITTER_MS)
}

/** A request that waits for the one slot; `stored` once it lies in JOBS. Its headers come with its first token. */
function waiting(watch: Watch, ask: () => Promise<TimedAnswer>) {
  const { queued } = watch
  const answer = ask()
  const stored = watch.jobsQueued(queued + 1).then(() => sleep(STORED_MS))
  return { answer, stored }
}

/** The worker's own word for how many slots are free. */
class FreeSlots {
  readonly looksMs: number[] = []
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true })

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}/metrics`
  }

  async now(): Promise<number> {
    const startedMs = performance.now()
    const text = await this.#page()
    this.looksMs.push(performance.now() - startedMs)
    return Number(/^june_worker_slots_free (\d+)$/m.exec(text)?.[1])
  }

  close(): void {
    this.#agent.destroy()
  }

  #page(): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = get(this.#url, { agent: this.#agent }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (data: string) => (text += data))
        response.on('end', () => resolve(text)).on('error', reject)
      })
      asked.on('error', reject)
    })
  }
}

/** The built-in model with one slot: a model of the same name in an earlier folder wins. */
async function modelsOfOneSlot(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'june-bench-'))
  const source = fileURLToPath(new URL('../models/june-chat/', import.meta.url))
  const manifest = Manifest.parse(JSON.parse(await readFile(join(source, 'manifest.json'), 'utf8')))
  await mkdir(join(dir, manifest.id))
  await cp(join(source, manifest.file), join(dir, manifest.id, manifest.file))
  await writeFile(
    join(dir, manifest.id, 'manifest.json'),
    JSON.stringify({ ...manifest, slots: 1 }),
  )
  return dir
}
