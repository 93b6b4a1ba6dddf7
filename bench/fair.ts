import { setTimeout as sleep } from 'node:timers/promises'
import { startStack } from '../infra/testing/start-stack.ts'
import { CreatedKey } from '../proto/admin.ts'
import { ProjectView } from '../proto/organisations.ts'
import { QueueList } from '../proto/queues.ts'
import { TimedAnswer } from './failover-client.ts'
import { median, spread, type Row } from './report.ts'

const FLOOD = 1_000
const ASKS = 30
/** The control waits behind all of these. */
const CONTROL_FLOOD = 60
const SLOTS = 16
const REQUESTS_PER_MINUTE = 1_000_000

/**
 * Two projects on 16 slots. A has 1,000 requests under way at once; B asks for one at a time. What B may hope for is the next slot
 * that comes free, and then the time it takes alone: so how it fares depends on how long a slot is taken, beside the time to
 * the first token and the number of slots. Prefill takes 300 ms and a token 20; A's answers are of any length from half of B's to
 * one and a half, since slots that all come free at once are no house that somebody comes to, but a bus.
 */
const SUBJECTS = [
  { name: 'a slot is taken 2.3 times as long', tokens: 20 },
  { name: 'a slot is taken 6 times as long', tokens: 75 },
]

const modelOf = (tokens: number): string => `echo-${tokens}-20-300`

const anyOf = (tokens: number): string =>
  modelOf(Math.round(tokens / 2) + Math.floor(Math.random() * tokens))

/** The time to the first token of a project beside another's flood, and alone. */
export async function fairBench(): Promise<Row[]> {
  await using stack = await startStack({ workers: 1, env: { LOG_LEVEL: 'warn' } })
  const { gateway: url, adminKey } = stack.run
  const admin = { url, key: adminKey }
  const [a, b] = [await keyOfNewProject(admin), await keyOfNewProject(admin)]
  const rows: Row[] = []
  for (const { name, tokens } of SUBJECTS) {
    const ask = (key: string, model = modelOf(tokens)): Promise<TimedAnswer> =>
      TimedAnswer.ask({ url, key, model, text: 'hi' })
    const alone = await firsts(() => ask(b))
    const again = await firsts(() => ask(b))
    // Its key is known by then.
    await firsts(() => ask(a), 1)
    const flood = await floodOf(FLOOD, () => ask(a, anyOf(tokens)), admin)
    const beside = await firsts(() => ask(b))
    const left = (await waiting(admin)) ?? 0
    if (left === 0) throw new Error('void: the flood was over before the measure was')
    await end(flood, admin)
    const own = await floodOf(CONTROL_FLOOD, () => ask(b, anyOf(tokens)), admin)
    const [behind = Number.NaN] = await firsts(() => ask(b), 1)
    await end(own, admin)
    const bench = `time to first token, ${name}`
    const ratio = (values: readonly number[]): string =>
      `${(median(values) / median(alone)).toFixed(2)} times alone`
    rows.push(
      spread(bench, 'alone', alone),
      noted(spread(bench, 'alone, again', again), ratio(again)),
      noted(spread(bench, `beside another's ${FLOOD}`, beside), ratio(beside)),
      {
        bench,
        row: `behind its own ${CONTROL_FLOOD} (control)`,
        value: behind,
        unit: 'ms',
        note: ratio([behind]),
      },
    )
  }
  return rows
}

const noted = (row: Row, note: string): Row => ({ ...row, note: `${note}; ${row.note}` })

/** One answer after the other, each to its end: the time to the first token of each. */
async function firsts(ask: () => Promise<TimedAnswer>, count = ASKS): Promise<number[]> {
  const firstMs: number[] = []
  for (let i = 0; i < count; i++) {
    // At no particular moment of what the others do.
    await sleep(Math.random() * 100)
    const startedMs = performance.now()
    const answer = await ask()
    await answer.over
    if (answer.doneAtMs === undefined) throw new Error(`void: ${answer.job} broke off`)
    firstMs.push((answer.arrivals[0] ?? Number.NaN) - startedMs)
    process.stderr.write('.')
  }
  return firstMs
}

/** All at once; when all have come, and the slots have been busy for a while. */
async function floodOf(
  count: number,
  ask: () => Promise<TimedAnswer>,
  admin: Admin,
): Promise<TimedAnswer[]> {
  const answers = await Promise.all(Array.from({ length: count }, ask))
  while ((await running(admin)) < SLOTS) await sleep(100)
  await sleep(2_000)
  return answers
}

async function end(flood: readonly TimedAnswer[], admin: Admin): Promise<void> {
  for (const answer of flood) answer.hangUp()
  while ((await waiting(admin)) !== 0 || (await running(admin)) > 0) await sleep(100)
}

interface Admin {
  url: string
  key: string
}

const waiting = async (admin: Admin): Promise<number | undefined> =>
  (await queues(admin)).data[0]?.waiting

const running = async (admin: Admin): Promise<number> => (await queues(admin)).data[0]?.running ?? 0

const queues = async (admin: Admin): Promise<QueueList> =>
  QueueList.parse(await call(admin, '/admin/queues'))

async function keyOfNewProject(admin: Admin): Promise<string> {
  const project = ProjectView.parse(await call(admin, '/admin/projects', { name: 'bench' })).id
  const wanted = { name: 'bench', project, requestsPerMinute: REQUESTS_PER_MINUTE }
  return CreatedKey.parse(await call(admin, '/admin/keys', wanted)).secret
}

async function call({ url, key }: Admin, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers }
  const response = await fetch(`${url}${path}`, init)
  if (!response.ok) throw new Error(`void: ${path} answered ${response.status}`)
  return response.json()
}
