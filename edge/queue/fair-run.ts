import { constant, constantFrom, integer, nat, oneof, record, type Arbitrary } from 'fast-check'
import type { Priority } from '../../proto/job.ts'
import { FairQueue, QUANTUM_TOKENS, WEIGHTS, type Place } from './fair-queue.ts'

/** No job of a test costs more. */
export const MOST = 1_000
export const TENANTS = ['a', 'b', 'c', 'd']
export const CLASSES = Object.keys(WEIGHTS) as Priority[]

interface Asked {
  tenant: string
  priority: Priority
  /** What it is thought to cost, and what it does. */
  cost: number
  actual: number
}

export const someTenant = constantFrom(...TENANTS)
const cost = integer({ min: 1, max: MOST })
export const someJob = record({
  tenant: someTenant,
  priority: constantFrom(...CLASSES),
  cost,
  actual: cost,
})

/** What happens to a queue: somebody comes, somebody is served, the job served longest ago ends, somebody leaves. */
export const someStep = oneof(
  { weight: 3, arbitrary: record({ put: someJob }) },
  { weight: 2, arbitrary: constant('take' as const) },
  { weight: 2, arbitrary: constant('end' as const) },
  { weight: 1, arbitrary: record({ cancel: nat(50) }) },
)
type Step = typeof someStep extends Arbitrary<infer S> ? S : never

/** A queue that things happen to, and what came of it. */
export class Run {
  readonly queue = new FairQueue<Asked>()
  readonly waiting: Place<Asked>[] = []
  readonly served: Place<Asked>[] = []
  readonly begun: Asked[] = []

  do(what: Step): void {
    if (what === 'take') this.take()
    else if (what === 'end') this.end()
    else if ('put' in what) this.put(what.put)
    else this.cancel(what.cancel)
  }

  put(job: Asked): void {
    this.waiting.push(this.queue.put(job, job))
  }

  take(): Place<Asked> | undefined {
    const place = this.queue.take()
    if (!place) return undefined
    this.waiting.splice(this.waiting.indexOf(place), 1)
    this.served.push(place)
    this.begun.push(place.value)
    return place
  }

  end(): void {
    const place = this.served.shift()
    if (!place) return
    this.queue.correct(place, place.value.actual)
    this.queue.leave(place)
  }

  cancel(at: number): void {
    const [place] = this.waiting.splice(at % Math.max(1, this.waiting.length), 1)
    if (place) this.queue.leave(place)
  }
}

/** Keeps all tenants backlogged in one class, serves `n` at a time, and sums what each is served. */
export function contest(jobs: readonly Asked[], n: number): { gap: number; last: number[] } {
  const run = new Run()
  const total = new Map(TENANTS.map((name) => [name, 0]))
  const next = new Map(TENANTS.map((name) => [name, 0]))
  const give = (name: string): void => {
    const own = jobs.filter((job) => job.tenant === name)
    const at = next.get(name) ?? 0
    const job = own[at % Math.max(1, own.length)] ?? { ...PLAIN, tenant: name }
    next.set(name, at + 1)
    run.put({ ...job, priority: 'default' })
  }
  for (const name of TENANTS) for (let i = 0; i < 2; i++) give(name)
  const served: number[][] = []
  for (let i = 0; i < 200; i++) {
    if (run.served.length >= n) run.end()
    const job = run.take()?.value
    if (!job) throw new Error('nobody was served though all wait')
    total.set(job.tenant, (total.get(job.tenant) ?? 0) + job.actual)
    give(job.tenant)
    served.push([...total.values()])
  }
  const gaps = served.flatMap((now, i) =>
    served.slice(0, i).map((then) => spread(now.map((sum, at) => sum - (then[at] ?? 0)))),
  )
  return { gap: Math.max(...gaps), last: served.at(-1) ?? [] }
}

export const PLAIN = { priority: 'default', cost: 100, actual: 100 } as const
export const spread = (sums: readonly number[]): number => Math.max(...sums) - Math.min(...sums)

/** Keeps all classes backlogged, and sums what each was served, in rounds of its own. */
export function classContest(jobs: readonly Asked[]): number[] {
  const run = new Run()
  const sums = { interactive: 0, default: 0, batch: 0 }
  const give = (priority: Priority, i: number): void => {
    const job = jobs[i % jobs.length]
    if (job) run.put({ ...job, tenant: 'a', priority })
  }
  // Never empty, not even while one is served: who waits for nothing saves nothing up.
  for (const priority of CLASSES) for (const i of [0, 1]) give(priority, i)
  for (let i = 2; i < 600; i++) {
    const place = run.take()
    if (!place) throw new Error('nobody was served though all wait')
    run.queue.leave(place)
    sums[place.priority] += place.cost
    give(place.priority, i)
  }
  return CLASSES.map((priority) => sums[priority] / (WEIGHTS[priority] * QUANTUM_TOKENS))
}

/** How many were served before the last that came, and how many it was told. */
export function aheadOfLast(names: readonly string[]): { told: number; before: number } {
  const run = new Run()
  for (const name of names) run.put({ ...PLAIN, tenant: name })
  const last = run.waiting.at(-1)
  const told = run.queue.aheadOfLast(last?.tenant ?? '', 'default')
  let before = 0
  while (run.take() !== last) before++
  return { told, before }
}

/** In what order each tenant's jobs of each class were served, by the order in which they came. */
export function ordersOf(steps: readonly Step[]): number[][] {
  const run = new Run()
  const came = new Map<Asked, number>()
  for (const what of steps) {
    run.do(what)
    for (const { value } of run.waiting) came.set(value, came.get(value) ?? came.size)
  }
  return TENANTS.flatMap((name) =>
    CLASSES.map((priority) =>
      run.begun
        .filter((job) => job.tenant === name && job.priority === priority)
        .map((job) => came.get(job) ?? 0),
    ),
  )
}
