import { setTimeout as sleep } from 'node:timers/promises'
import { ClaimAnswer, type Claim, type Refusal } from '../../proto/claim.ts'
import type { GatewayId, WorkerId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import { hasBody } from './has-body.ts'
import type { Link } from './link.ts'
import { readJson } from './read-json.ts'
import type { Offer } from './read-offer.ts'

const ANSWER_MS = 1_500
const PAUSE_MS = 200

export interface Asker {
  link: Link
  worker: WorkerId
  /** The boot nonce of this process. */
  nonce: string
  /** Aborts when this worker drains: a job that nobody grants now is another worker's. */
  stop: AbortSignal
}

/**
 * Asks for a job: the gateway that admitted it first, then three times whichever answers. A gateway that does not know
 * the job, or was deposed from it, cannot speak for the one that owns it, so others are asked too.
 */
export async function ask(asker: Asker, offer: Offer): Promise<ClaimAnswer | undefined> {
  const { life } = asker.link
  const gateways: (GatewayId | 'any')[] = [offer.job.gateway, 'any', 'any', 'any']
  let last: ClaimAnswer | undefined
  for (const [turn, gateway] of gateways.entries()) {
    if (turn > 1) await sleep(PAUSE_MS)
    if (life.aborted || (turn > 0 && asker.stop.aborted)) break
    const answer = await put(asker, offer, gateway)
    if (answer && (answer.go || !CANNOT_SAY.has(answer.why))) return answer
    last = answer ?? last
  }
  return last
}

const CANNOT_SAY = new Set<Refusal>(['unknown', 'deposed'])

async function put(
  { link, worker, nonce }: Asker,
  { job, ack }: Offer,
  gateway: GatewayId | 'any',
): Promise<ClaimAnswer | undefined> {
  const claim: Claim = { ack, connection: link.connection, nonce }
  try {
    const subject = subjects.claim(gateway, worker, job.id)
    const answer = await link.nc.request(subject, JSON.stringify(claim), { timeout: ANSWER_MS })
    return hasBody(answer) ? readJson(ClaimAnswer, answer.data) : undefined
  } catch {
    // No gateway listens there, or it is frozen: the next one is asked.
    return undefined
  }
}
