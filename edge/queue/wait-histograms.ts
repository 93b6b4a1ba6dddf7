import { Histogram } from 'prom-client'

/** Seconds. */
const BUCKETS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300]

/** How long those waited who had to, and by how much they were told wrong. */
export const waitHistograms = () => ({
  wait: new Histogram({
    name: 'june_gateway_queue_wait_seconds',
    help: 'How long jobs that had to wait did so, from their admission until a worker took them',
    labelNames: ['queue', 'class'],
    buckets: BUCKETS,
    registers: [],
  }),
  etaError: new Histogram({
    name: 'june_gateway_queue_eta_error_seconds',
    help: 'By how much jobs that were told x-queue-eta-ms waited longer or shorter than that',
    labelNames: ['queue', 'class'],
    buckets: BUCKETS,
    registers: [],
  }),
})
