import { askOfRequest } from '../edge/limit/buckets.ts'
import { takeForJob } from '../edge/limit/job-limit.ts'
import { jobOf, keyWith } from '../edge/limit/limit-fixture.ts'
import { SlicedLimiter } from '../edge/limit/sliced-limiter.ts'
import { MemoryStore } from '../edge/limit/store-fixture.ts'
import { newJobId } from '../proto/ids.ts'
import { median, type Row } from './report.ts'

const REQUESTS = 50_000
const ROUNDS = 7
const LIMITS = { requestsPerMinute: 1e9, tokensPerMinute: 1e9, concurrentStreams: 1e6 }

/** CPU microseconds of all limits of one request, from the door to the end of its job, from memory alone. */
export async function limiterBench(): Promise<Row[]> {
  const names = ['key, project and model', 'the same again', 'no limits'] as const
  const none = keyWith({})
  const all = keyWith({ key: LIMITS, project: LIMITS, model: LIMITS })
  const keys = { [names[0]]: all, [names[1]]: all, [names[2]]: none }
  const took = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++)
    for (const name of names.toSorted(() => (round % 2 ? -1 : 1))) {
      const { cpu, waited } = await perRequest(keys[name])
      if (waited > REQUESTS / 100) throw new Error(`void: ${waited} requests waited for the store`)
      // The first round warms up.
      if (round > 0) took.get(name)?.push(cpu)
    }
  return names.map((row) => ({
    bench: 'CPU µs of the limits of a request',
    row,
    value: median(took.get(row) ?? []),
    unit: 'µs',
  }))
}

async function perRequest(
  key: ReturnType<typeof keyWith>,
): Promise<{ cpu: number; waited: number }> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const store = new MemoryStore(() => performance.now())
  const limiter = new SlicedLimiter({ gateway: 'g1', store, gateways: () => 1, log })
  const job = jobOf(key, { promptTokens: 300, maxTokens: 100 })
  let waited = 0
  const before = process.cpuUsage()
  for (let i = 0; i < REQUESTS; i++) {
    const taken = limiter.take(askOfRequest(key))
    if (taken instanceof Promise) waited++
    await taken
    const id = newJobId()
    await takeForJob(limiter, { key, headers: {} }, { ...job, id })
    limiter.end(id, key.project, { promptTokens: 300, completionTokens: 50 })
    if (i % 10_000 === 0) await limiter.beat()
  }
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / REQUESTS, waited }
}
