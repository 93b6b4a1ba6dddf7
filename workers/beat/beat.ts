import { Buffer } from 'node:buffer'
import { BEAT_MS, type Beat } from '../../proto/beat.ts'
import type { WorkerId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Link } from '../intake/link.ts'
import type { Lane } from '../lanes/lane.ts'

export interface BeatOptions {
  link: Link
  worker: WorkerId
  nonce: string
  version: string
  device: string
  lanes: readonly Lane[]
}

export interface Heart {
  /** Says at once, and from now on, that this worker takes no more work. */
  drain(): void
  stop(): void
}

/** Five times a second: that this process lives, and what it offers. Engines live in threads and cannot delay it. */
export function beat({ link, worker, nonce, version, device, lanes }: BeatOptions): Heart {
  const subject = subjects.beat(worker)
  let draining = false

  function say(): void {
    // Kept for later it would lie: a beat tells of now.
    if (!link.up) return
    const now: Beat = {
      nonce,
      connection: link.connection,
      version,
      device,
      draining,
      rssBytes: process.memoryUsage.rss(),
      offerings: lanes.map((lane) => lane.offering()),
    }
    link.nc.publish(subject, Buffer.from(JSON.stringify(now)))
  }

  say()
  const timer = setInterval(say, BEAT_MS)
  return {
    drain: () => {
      draining = true
      say()
    },
    stop: () => clearInterval(timer),
  }
}
