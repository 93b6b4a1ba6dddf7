import type { HistoryEvent, Of } from '../history.ts'
import type { Accuse } from './verdict.ts'

/** A process may keep what it needed at its busiest; what it takes beyond this it keeps for nothing. */
const MAY_GROW_BYTES = 192 * 1024 * 1024

/** I5: when all is over, everything is as it was before. */
export function checkLeftovers(events: readonly HistoryEvent[], accuse: Accuse): void {
  const told = (what: string): void => accuse('I5', what)
  const all = <T extends HistoryEvent['type']>(type: T): Of<T>[] =>
    events.filter((event): event is Of<T> => event.type === type)
  const struck = all('fault').filter(({ plan }) => plan.target === 'gateways').length
  checkStreams(all('stream'), struck, told)
  checkMetrics(all('metrics'), told)
  checkSubscriptions(all('subscriptions'), struck, told)
  checkMemory(all('memory'), told)
  for (const { left } of all('stopped')) for (const what of left) told(`after the end: ${what}`)
}

type Told = (what: string) => void

function checkStreams(all: readonly Of<'stream'>[], struck: number, told: Told): void {
  const after = all.filter(({ when }) => when === 'after')
  if (!after.some(({ name }) => name === 'JOBS')) told('nobody looked into JOBS')
  for (const { name, messages, consumers } of after) {
    if (name === 'JOBS' && messages > 0) told(`${messages} jobs are in JOBS`)
    const before = all.find((one) => one.when === 'before' && one.name === name)?.consumers ?? []
    const more = consumers.length - before.length
    // What a process watches a bucket with cannot be removed by it once it was killed: the server does that in time.
    const dead = name.startsWith('KV_') ? struck : 0
    if (more > dead) told(`${name} has ${consumers.length} consumers, and had ${before.length}`)
    if (name !== 'JOBS') continue
    for (const { name: consumer, pending, unacknowledged } of consumers)
      if (pending + unacknowledged > 0)
        told(`${consumer} has ${pending} pending and ${unacknowledged} unacknowledged`)
  }
}

function checkMetrics(metrics: readonly Of<'metrics'>[], told: Told): void {
  const after = metrics.filter(({ when }) => when === 'after')
  for (const { of } of metrics.filter(({ when }) => when === 'before'))
    if (!after.some((late) => late.of.name === of.name)) told(`${of.name} did not come back`)
  for (const { of, values } of after) {
    const { june_gateway_live_jobs: live, june_worker_jobs_running: running } = values
    const { june_worker_slots: slots, june_worker_slots_free: free } = values
    if ((live ?? 0) > 0) told(`${of.name} has ${live} live jobs`)
    if ((running ?? 0) > 0) told(`${of.name} runs ${running} jobs`)
    if (slots !== free) told(`${of.name} has ${free} of its ${slots} slots free`)
  }
}

function checkSubscriptions(all: readonly Of<'subscriptions'>[], struck: number, told: Told): void {
  for (const { user, when, subjects } of all) {
    if (when !== 'after') continue
    const before = all.find((one) => one.when === 'before' && one.user === user)?.subjects ?? []
    const ofJobs = subjects.filter((subject) => subject.includes('.job_'))
    if (ofJobs.length > 0) told(`${user} listens to ${ofJobs.length} jobs`)
    // A gateway or a worker that started again has another name in some of them, and as many. For one that is gone the
    // others answer claims until no job of its can be there: that is one for each fault, and no more.
    const claims = subjects.filter(isClaim).length - before.filter(isClaim).length
    const more = subjects.length - before.length - claims
    if (more > 0) told(`${user} has ${more} subscriptions more than before: ${subjects.join(' ')}`)
    if (claims > struck) told(`${user} answers for ${claims} gateways, and ${struck} were struck`)
  }
}

const isClaim = (subject: string): boolean => subject.startsWith('claim.')

function checkMemory(all: readonly Of<'memory'>[], told: Told): void {
  for (const { of, rssBytes } of all.filter(({ when }) => when === 'after')) {
    const before = all.find(({ when, of: early }) => when === 'before' && early.name === of.name)
    const grown = rssBytes - (before?.rssBytes ?? rssBytes)
    if (grown > MAY_GROW_BYTES) told(`${of.name} grew by ${Math.round(grown / 2 ** 20)} MiB`)
  }
}
