import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from '../history-file.ts'
import type { Tap } from '../watch/tap.ts'
import { bodyOf, type Gateways } from './client.ts'
import { connection } from './connection.ts'

const ENDLESS = { model: 'echo-100000-10-0', prompt: 'go on', seed: 5, temperature: 0 }
const PROBES = 10
const PATIENCE_MS = 10_000
const EVERY_MS = 2

/**
 * How long after a client's hang-up its slot can be used again, as the worker's own metrics say. Measured after the faults, one
 * at a time: among many jobs nobody could say whose slot it was.
 */
export async function probeCancels(
  history: History,
  gateways: Gateways,
  tap: Tap,
  freeSlots: (worker: string) => Promise<{ slots: number; free: number } | undefined>,
): Promise<void> {
  for (let i = 0; i < PROBES; i++) {
    const url = gateways.urls[i % gateways.urls.length] ?? ''
    let job = ''
    let events = 0
    const wish = {
      url: `${url}/v1/chat/completions`,
      method: 'POST' as const,
      headers: { authorization: `Bearer ${gateways.key}` },
      body: bodyOf(ENDLESS),
      stallMs: PATIENCE_MS,
    }
    await connection(wish, {
      opened: (headers) => (job = String(headers['x-generation-id'])),
      told: ({ text }) => (text !== '' && ++events >= 5 ? 'leave' : 'stay'),
    })
    const leftMs = performance.now()
    const worker = tap.workerOf(job)
    if (worker === undefined) continue
    for (;;) {
      const room = await freeSlots(worker)
      const freeMs = performance.now() - leftMs
      const isFree = room !== undefined && room.free === room.slots
      if (isFree || freeMs > PATIENCE_MS) {
        history.add({ type: 'probe', worker, freeMs })
        break
      }
      await sleep(EVERY_MS)
    }
  }
}
