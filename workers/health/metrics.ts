import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Counts } from '../intake/counts.ts'
import type { Lane } from '../lanes/lane.ts'

export interface MetricsOptions {
  counts: Counts
  lanes: readonly Lane[]
  running: () => number
}

/** What Prometheus reads. The numbers are kept elsewhere and fetched when it asks: see `Counts`. */
export function metrics({ counts, lanes, running }: MetricsOptions): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register })

  const gauge = (name: string, help: string, read: () => number): void => {
    const collect = (): void => shown.set(read())
    const shown = new Gauge({ name, help, registers: [register], collect })
  }
  const counter = (name: string, help: string, read: () => number): void => {
    const collect = (): void => {
      shown.reset()
      shown.inc(read())
    }
    const shown = new Counter({ name, help, registers: [register], collect })
  }
  const labelled = (
    name: string,
    help: string,
    label: string,
    read: Record<string, number>,
  ): void => {
    const collect = (): void => {
      shown.reset()
      for (const [value, count] of Object.entries(read)) shown.inc({ [label]: value }, count)
    }
    const shown = new Counter({ name, help, labelNames: [label], registers: [register], collect })
  }
  const slots = (read: 'slots' | 'free'): number =>
    lanes.reduce((sum, lane) => sum + lane.offering()[read], 0)

  gauge('june_worker_jobs_running', 'Jobs that run now.', running)
  gauge('june_worker_slots', 'Jobs that could run at once.', () => slots('slots'))
  gauge('june_worker_slots_free', 'Slots that wait for a job.', () => slots('free'))
  counter('june_worker_tokens_total', 'Tokens published.', () => counts.tokens)
  counter(
    'june_worker_blocks_total',
    'Blocks of audio or other bytes published.',
    () => counts.blocks,
  )
  counter('june_worker_frames_total', 'Frames published.', () => counts.frames)
  counter('june_worker_noise_total', 'Messages that said nothing we know.', () => counts.noise)
  counter(
    'june_worker_stale_controls_total',
    'Controls and input for claims that are over, or forged.',
    () => counts.staleControls,
  )
  labelled('june_worker_claims_total', 'Claims by their answer.', 'answer', counts.claims)
  labelled('june_worker_jobs_total', 'Runs by how they ended.', 'ending', counts.jobs)
  return register
}
