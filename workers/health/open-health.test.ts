import { pino } from 'pino'
import { test } from 'vitest'
import { Counts } from '../intake/counts.ts'
import { HandLane } from '../intake/testing/hand-lane.ts'
import { metrics } from './metrics.ts'
import { openHealth } from './open-health.ts'

const log = pino({ level: 'silent' })

function register(counts = new Counts()) {
  const lanes = [new HandLane({ kind: 'chat', queue: 'echo', slots: 3 })]
  return metrics({ counts, lanes, running: () => 2 })
}

test('health is the process, ready is the work', async ({ expect }) => {
  let ready = false
  const options = { host: '127.0.0.1', port: 0, ready: () => ready, register: register(), log }
  await using health = await openHealth(options)
  const status = async (path: string) => (await fetch(health.url + path)).status
  expect(await Promise.all(['/health', '/ready', '/metrics', '/'].map(status))).toEqual([
    200, 503, 200, 404,
  ])
  ready = true
  expect(await status('/ready')).toBe(200)
})

test('the metrics show the counts as they are now', async ({ expect }) => {
  const counts = new Counts()
  const shown = register(counts)
  counts.tokens = 7
  counts.claims.held = 2
  counts.jobs.done = 1
  counts.staleControls = 4
  await shown.metrics()
  counts.tokens = 9
  const text = await shown.metrics()
  for (const line of [
    'june_worker_jobs_running 2',
    'june_worker_slots 3',
    'june_worker_slots_free 3',
    'june_worker_tokens_total 9',
    'june_worker_stale_controls_total 4',
    'june_worker_claims_total{answer="held"} 2',
    'june_worker_claims_total{answer="go"} 0',
    'june_worker_jobs_total{ending="done"} 1',
  ])
    expect(text.split('\n')).toContain(line)
})

test('a port that is taken becomes another', async ({ expect }) => {
  const options = { host: '127.0.0.1', ready: () => true, register: register(), log }
  await using first = await openHealth({ ...options, port: 0 })
  await using second = await openHealth({ ...options, port: Number(new URL(first.url).port) })
  expect(second.url).not.toBe(first.url)
  expect((await fetch(`${second.url}/health`)).status).toBe(200)
})
