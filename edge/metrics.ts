import { Counter, Gauge, Registry } from 'prom-client'
import { monotonicMs } from './clock.ts'
import type { GatewayDesk } from './jobs/gateway-desk.ts'
import type { Counts } from './jobs/counts.ts'
import type { UsageWriter } from './usage/writer.ts'

const help: Record<keyof Counts, string> = {
  admitted: 'Jobs stored in the queue',
  done: 'Jobs that ended with a whole answer',
  exhausted: 'Answers that ended where their budget did',
  failed: 'Jobs that ended with an error',
  cancelled: 'Jobs whose reader left',
  expired: 'Jobs whose deadline passed',
  frames: 'Frames accepted',
  tokens: 'Tokens accepted',
  claims: 'Claims by workers',
  granted: 'Claims that were granted',
  held: 'Claims for a job that another attempt holds',
  stale: 'Frames of an old epoch or of no holder, dropped',
  repeats: 'Frames heard before, dropped',
  junk: 'Messages that were none of ours, dropped',
  releasedByDisconnect: 'Jobs taken from a worker whose connection ended',
  releasedBySilence: 'Jobs taken from a worker that fell silent',
  releasedByHole: 'Jobs taken from a worker whose frames had a hole',
  releasedByEngine: 'Jobs taken from a worker whose engine failed',
  releasedByOverrun: 'Jobs taken from a worker that outran its credit',
  poisoned: 'Jobs that killed their workers and went to DEAD',
  reoffered: 'Deliveries that nobody claimed, given back',
  deposed: 'Jobs that another gateway took over',
  strangers: 'Claims for jobs of other or former gateways',
  seconds: 'Beats of a second process under the name of a worker that is there, not listened to',
  adopted: 'Jobs taken over from a gateway that is gone',
  consumersRecreated: 'Queues that offered nothing any more and were made anew',
  recalled: 'Requests that were answered from the response cache',
  notRecalled: 'Requests that the response cache had no answer to',
  remembered: 'Answers put into the response cache',
}

const usageHelp: Record<keyof UsageWriter['counts'], string> = {
  written: 'Ended jobs whose usage this gateway wrote to the database, or found there',
  skipped: 'Records of LEDGER that were no end of a job',
  unwritable: 'Ended jobs whose usage the database refused, or whose record could not be read',
  failures: 'Attempts to write usage that failed',
}

/** The metrics of one desk, read from its plain counters when somebody asks. */
export function deskRegistry(desk: GatewayDesk, usage: UsageWriter): Registry {
  const registry = new Registry()
  const { counts } = desk.desk
  for (const name of Object.keys(help) as (keyof Counts)[])
    registry.registerMetric(
      new Counter({
        name: `june_gateway_${snake(name)}_total`,
        help: help[name],
        registers: [],
        collect() {
          this.reset()
          this.inc(counts[name])
        },
      }),
    )
  gauge(registry, 'june_gateway_live_jobs', 'Jobs that are not settled', () => desk.desk.live.size)
  gauge(registry, 'june_gateway_broker_connected', '1 while the broker is there', () =>
    Number(desk.connected),
  )
  gauge(
    registry,
    'june_gateway_workers',
    'Workers that beat lately',
    () => desk.roster.workers(monotonicMs()).length,
  )
  const { lines } = desk.desk
  registry.registerMetric(lines.histograms.wait)
  registry.registerMetric(lines.histograms.etaError)
  registry.registerMetric(
    new Gauge({
      name: 'june_gateway_queue_waiting',
      help: 'Jobs that wait for their turn in the memory of this gateway',
      labelNames: ['queue', 'class'],
      registers: [],
      collect() {
        this.reset()
        for (const { queue, priority, waiting } of lines.waitingByClass())
          this.set({ queue, class: priority }, waiting)
      },
    }),
  )
  for (const name of Object.keys(usageHelp) as (keyof UsageWriter['counts'])[])
    registry.registerMetric(
      new Counter({
        name: `june_gateway_usage_${name}_total`,
        help: usageHelp[name],
        registers: [],
        collect() {
          this.reset()
          this.inc(usage.counts[name])
        },
      }),
    )
  registry.registerMetric(
    new Gauge({
      name: 'june_gateway_usage_waiting',
      help: 'Records of LEDGER, of all gateways, that wait to be written to the database; NaN where nobody knows',
      registers: [],
      async collect() {
        this.set(await usage.waiting().catch(() => Number.NaN))
      },
    }),
  )
  return registry
}

function gauge(registry: Registry, name: string, text: string, read: () => number): void {
  const metric = new Gauge({
    name,
    help: text,
    registers: [],
    collect() {
      this.set(read())
    },
  })
  registry.registerMetric(metric)
}

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
