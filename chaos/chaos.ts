import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startStack, type StackFixture } from '../infra/testing/start-stack.ts'
import { probeCancels } from './drive/cancel-probe.ts'
import { Client, type Gateways } from './drive/client.ts'
import { askOracle } from './drive/oracle.ts'
import { injectFaults } from './faults/inject.ts'
import type { Of } from './history.ts'
import { History } from './history-file.ts'
import { planFaults } from './plan/faults.ts'
import type { Params } from './plan/params.ts'
import { planStreams } from './plan/streams.ts'
import { jobsLeft, noteLedger, noteStreams, noteSubscriptions } from './watch/broker.ts'
import { Members } from './watch/members.ts'
import { noteMemory, watchMemory } from './watch/memory.ts'
import { metricsOf, roomOf } from './watch/metrics.ts'
import { Tap } from './watch/tap.ts'

/** Longer than it takes a gateway that came back to find what its former self left. */
const IDLE_MS = 30_000

export interface ChaosOptions {
  /** Where the history goes. */
  file: string
  /** Where the logs of the stack go, if anywhere. */
  logs?: string
  say?: (text: string) => void
}

/** A whole run: a stack, its streams, its faults, and what was left of it all, in one file. It judges nothing. */
export async function chaos(
  params: Params,
  { file, logs, say = () => {} }: ChaosOptions,
): Promise<void> {
  const history = new History(file)
  history.add({ type: 'run', version: 1, params })
  try {
    const stack = await startStack({
      workers: params.workers,
      gateways: params.gateways,
      env: { LOG_LEVEL: 'warn', ...(!params.fenced && { JUNE_FENCE: 'off' }) },
    })
    try {
      await disturb({ stack, history, params, say })
    } finally {
      if (logs) await cp(join(stack.dataDir, 'logs'), logs, { recursive: true })
      history.add({ type: 'stopped', left: await stopped(stack) })
    }
    history.add({ type: 'over' })
  } finally {
    await history.close()
  }
}

interface Run {
  stack: StackFixture
  history: History
  params: Params
  say: (text: string) => void
}

async function disturb({ stack, history, params, say }: Run): Promise<void> {
  const members = new Members(stack)
  const gateways: Gateways = { urls: members.gatewayUrls, key: stack.run.key }
  await using tap = await Tap.open(stack.run.nats.url, history)
  say('the built-in model is asked without faults')
  await askOracle(history, gateways)
  await untilIdle(members, tap)
  await noteStreams(history, tap.nc, 'before')
  await noteState({ history, stack }, members, 'before')
  history.add({ type: 'calm' })

  const plans = planFaults(params)
  say(`${params.streams} streams and ${plans.length} faults in ${params.minutes} minutes`)
  {
    using _ = watchMemory(history, members)
    await Promise.all([
      injectFaults(history, { present: (target) => members.of(target), tap }, plans),
      ...planStreams(params).map(async (plan) => {
        await sleep(plan.atMs)
        await new Client(history, gateways, plan).run()
      }),
    ])
  }
  say('all streams are over: what is left?')
  await untilIdle(members, tap)
  await probeCancels(history, gateways, tap, async (name) => {
    const worker = (await members.of('workers')).find((member) => member?.name === name)
    return worker && roomOf(worker)
  })
  await untilIdle(members, tap)
  tap.write()
  await noteLedger(history, tap.nc)
  await noteStreams(history, tap.nc, 'after')
  await noteState({ history, stack }, members, 'after')
}

/** Everyone is up and nobody has anything to do; or it has taken too long, and the checker will see that. */
async function untilIdle(members: Members, tap: Tap): Promise<void> {
  const untilMs = performance.now() + IDLE_MS
  while (performance.now() < untilMs) {
    const all = await members.all()
    if (all.length === members.count && (await jobsLeft(tap.nc)) === 0) {
      const busy = await Promise.all(all.map(async (member) => isBusy(await metricsOf(member))))
      if (!busy.includes(true)) return
    }
    await sleep(100)
  }
}

const isBusy = (samples: Record<string, number> | undefined): boolean =>
  (samples?.['june_gateway_live_jobs'] ?? 0) > 0 || (samples?.['june_worker_jobs_running'] ?? 0) > 0

async function noteState(
  { history, stack }: Pick<Run, 'history' | 'stack'>,
  members: Members,
  when: Of<'metrics'>['when'],
): Promise<void> {
  for (const of of await members.all()) {
    const values = await metricsOf(of)
    if (values) history.add({ type: 'metrics', when, of, values })
  }
  await noteSubscriptions(history, stack.dataDir, when)
  await noteMemory(history, members, when)
}

/** What the launcher left behind when it was told to end. */
async function stopped(stack: StackFixture): Promise<string[]> {
  try {
    await stack.end('SIGTERM')
    return []
  } catch (thrown) {
    return [thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)]
  } finally {
    await stack[Symbol.asyncDispose]()
  }
}
