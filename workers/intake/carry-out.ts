import type { Logger } from 'pino'
import { Failure } from '../../proto/failure.ts'
import type { Lane } from '../lanes/lane.ts'
import type { Run } from './run.ts'

/** What a timer can wait; later deadlines are the gateway's alone to keep. */
const MAX_TIMER_MS = 2 ** 31 - 1

export type Ending = 'done' | 'failed' | 'stopped'

/** Runs a job to its end, and publishes what comes of it. The slot is free when it resolves. Never throws. */
export async function carryOut(run: Run, lane: Lane, log: Logger): Promise<Ending> {
  const leftMs = Math.min(run.grant.leftMs, MAX_TIMER_MS)
  const deadline = setTimeout(() => run.stop('expired'), Math.max(leftMs, 0))
  try {
    if (await say(run, lane)) return 'done'
  } catch (thrown) {
    if (!run.stopped) return fail(run, Failure.from(thrown), log)
  } finally {
    clearTimeout(deadline)
  }
  if (run.stopped !== 'expired') return 'stopped'
  return fail(run, new Failure('expired', 'The deadline of the job has passed.'), log)
}

/** Whether the engine came to its end; it did not if the run was stopped. */
async function say(run: Run, lane: Lane): Promise<boolean> {
  if (run.stopped) return false
  let ended = false
  for await (const batch of run.start(lane)) {
    // Not one frame more: it would be a zombie's.
    if (run.stopped) return false
    if (ended) continue
    ended = run.frames.write(batch)
    run.moved()
  }
  if (ended || run.stopped) return ended
  throw new Failure('engine_failed', 'The engine stopped without an end.')
}

function fail(run: Run, failure: Failure, log: Logger): Ending {
  const { job } = run.offer
  const at = { job: job.id, epoch: run.grant.epoch, next: run.frames.next }
  log.warn({ ...at, err: failure }, 'a job failed')
  try {
    run.frames.fail(failure.toJSON())
  } catch (cause) {
    // The connection closed, and its end tells the gateway as much.
    log.debug({ ...at, err: cause }, 'a failure could not be told')
  }
  return 'failed'
}
