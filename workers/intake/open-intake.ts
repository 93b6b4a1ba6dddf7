import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { WorkerId } from '../../proto/ids.ts'
import type { Lane } from '../lanes/lane.ts'
import { carryOut } from './carry-out.ts'
import { Claims } from './claims.ts'
import { Counts } from './counts.ts'
import { hear } from './hear.ts'
import type { Link } from './link.ts'
import { Pulls } from './pulls.ts'
import { readOffer } from './read-offer.ts'
import { Room } from './room.ts'
import type { Run } from './run.ts'
import { Runs } from './runs.ts'

export interface IntakeOptions {
  link: Link
  worker: WorkerId
  nonce: string
  lanes: readonly Lane[]
  counts?: Counts
  log: Logger
  /** A run that hears nothing for so long asks whether it is still ours. */
  renewAfterMs?: number
}

export interface Intake {
  /** Jobs that run now. */
  running(): number
  /** Stops pulling, lets what runs end within `graceMs`, and stops what is left. Resolves when nothing runs. */
  drain(graceMs: number): Promise<void>
}

const RENEW_AFTER_MS = 5_000
const STUMBLE_MS = 250

/** Pulls work for lanes, asks for it, runs it, and never acknowledges any: the gateway owns that. */
export function openIntake(options: IntakeOptions): Intake {
  const { link, worker, lanes, log, counts = new Counts(), renewAfterMs = RENEW_AFTER_MS } = options
  const runs = new Runs()
  const draining = new AbortController()
  const stop = draining.signal
  const claims = new Claims({ ...options, stop }, runs, counts)
  hear({ ...options, runs, counts })
  /** One offer that became ours, or nothing. */
  async function take(lane: Lane, pulls: Pulls): Promise<Run | undefined> {
    const message = await pulls.next()
    // Its thread died while we pulled: another worker can start at once.
    if (!message || stop.aborted || lane.offering().free === 0) return undefined
    const offer = readOffer(message)
    if (!offer) counts.noise += 1
    return offer && claims.take(offer)
  }

  async function serve(lane: Lane, pulls: Pulls, room: Room): Promise<void> {
    if (!(await room.enter(() => stop.aborted))) return
    let run = await take(lane, pulls).finally(() => room.leave())
    while (run) {
      const mine = run
      const leave = stopWith(link.life, () => mine.stop('disconnected'))
      counts.jobs[await carryOut(mine, lane, log)] += 1
      leave()
      runs.end(mine)
      run = mine.successor
      const next = run
      if (next && (await room.enter(() => next.stopped !== undefined))) room.leave()
    }
  }

  /** One of a lane's slots: it pulls only while it is free, so pulls and free slots are equally many. */
  async function slot(lane: Lane, pulls: Pulls, room: Room): Promise<void> {
    while (!stop.aborted && !link.nc.isClosed()) {
      await serve(lane, pulls, room).catch(async (thrown: unknown) => {
        log.error({ err: thrown }, 'a slot stumbled')
        await sleep(STUMBLE_MS)
      })
    }
  }

  const queues = lanes.map((lane) => {
    const { kind, queue, slots } = lane.offering()
    const pulls = new Pulls(link, worker, { kind, name: queue }, log)
    const room = new Room(lane)
    const ended = Array.from({ length: slots }, () => slot(lane, pulls, room))
    return { pulls, ended: Promise.all(ended) }
  })
  const renewals = setInterval(() => {
    if (!link.up) return
    const nowMs = Date.now()
    for (const run of runs.all()) if (run.waitedMs(nowMs) > renewAfterMs) void claims.renew(run)
  }, renewAfterMs / 10)

  return {
    running: () => runs.size,
    async drain(graceMs) {
      draining.abort()
      for (const { pulls } of queues) pulls.close()
      const ended = Promise.all(queues.map((queue) => queue.ended))
      const grace = new AbortController()
      await Promise.race([
        ended,
        sleep(graceMs, undefined, { signal: grace.signal }).catch(() => {}),
      ])
      grace.abort()
      clearInterval(renewals)
      runs.close('drained')
      // Only for what ran. An answer that a slot waits for changes nothing now, and whoever closes our connection next
      // hands on what was stopped: a gateway that is silent must not hold that up.
      await Promise.race([ended, runs.empty()])
    },
  }
}

function stopWith(signal: AbortSignal, stop: () => void): () => void {
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return () => signal.removeEventListener('abort', stop)
}
