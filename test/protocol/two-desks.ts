import { adopt, orphanIn } from '../../edge/jobs/adopt.ts'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import type { LiveJob } from '../../edge/jobs/live-job.ts'
import { echoToken } from '../../proto/echo.ts'
import type { JobId } from '../../proto/ids.ts'
import type { ChatJob } from '../../proto/job.ts'
import { JOBS } from '../../proto/subjects.ts'
import { echoJob, openDesk, oracle, SEED, test as base } from './desk-fixture.ts'
import type { HandWorker, Offer } from './hand-worker.ts'

export const never: AbortSignal = new AbortController().signal
export const resumable = (desk: GatewayDesk): ChatJob => ({
  ...echoJob(desk),
  reading: { resumable: true, includeUsage: false },
})
export const tailOf = (from: number): string => oracle(20).slice(oracle(from).length)

/** Tokens of another seed, under the positions of this answer: what a zombie could have said. */
export function lie(
  worker: HandWorker,
  offer: Offer,
  epoch: number,
  [from, to]: [number, number],
): void {
  for (let i = from; i < to; i++) {
    const { id, text } = echoToken(SEED + 1, i)
    worker.say(offer, epoch, i, { kind: 'tokens', ids: [id], texts: [text] })
  }
}

/** Has `desk` adopt what another gateway owns and is alive to see: as if that had stood still for a second. */
export async function usurp(desk: GatewayDesk, job: ChatJob, streamSeq: number): Promise<void> {
  const dead = { ...desk.desk, isAlive: () => false }
  const message = await desk.desk.jsm.direct.getMessage(JOBS, { seq: streamSeq })
  const orphan = message && (await orphanIn(dead, message))
  if (!orphan) throw new Error(`${job.id} is no orphan`)
  await adopt(desk.desk, [orphan])
}

export function liveOf({ desk }: GatewayDesk, id: JobId): LiveJob {
  const live = desk.live.get(id)
  if (!live) throw new Error(`${id} is not live`)
  return live
}

/** `test` with a second gateway's desk, which may be gone before the test is. */
export const test = base.extend('gone', async ({ nats, desk }, { onCleanup }) => {
  const gone = await openDesk(nats.url('g2'))
  let over = false
  const end = gone[Symbol.asyncDispose].bind(gone)
  gone[Symbol.asyncDispose] = async () => {
    if (!over) await end()
    over = true
  }
  onCleanup(() => gone[Symbol.asyncDispose]())
  await Promise.all([gone.find('echo-20-0-0'), desk.find('echo-20-0-0')])
  return gone
})
