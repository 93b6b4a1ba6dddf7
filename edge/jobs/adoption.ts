import type { Msg, Subscription } from '@nats-io/nats-core'
import type { GatewayId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import { sleep } from '../clock.ts'
import { adopt, orphans } from './adopt.ts'
import type { Desk } from './desk.ts'
import type { Gateways } from './gateways.ts'

/** Gateways take over one after the other: whoever comes first leaves nothing to the next. */
const RANK_MS = 150
/** What a former life of ours left is looked for once those who are there have been heard of. */
const FIRST_LOOK_MS = 1_100
/** After the broker did not answer. */
const AGAIN_MS = 250
/** No job lives longer than its deadline, and nobody asks the dead for longer. */
const CLAIMS_MS = 11 * 60_000

/** Notices that gateways are gone, and takes over what they owned. */
export class Adoption implements Disposable {
  readonly #desk: Desk
  readonly #gateways: Gateways
  readonly #onClaim: (msg: Msg) => void
  /** Claims that workers still send to those who are gone. */
  readonly #claims = new Map<GatewayId, { heard: Subscription; untilMs: number }>()
  #looking: Promise<void> | undefined
  #again = false
  #ended = false
  readonly #first: ReturnType<typeof setTimeout>

  constructor(desk: Desk, gateways: Gateways, onClaim: (msg: Msg) => void) {
    this.#desk = desk
    this.#gateways = gateways
    this.#onClaim = onClaim
    this.#first = setTimeout(() => void this.#look(), FIRST_LOOK_MS)
  }

  tick(nowMs: number): void {
    for (const [gateway, { heard, untilMs }] of this.#claims)
      // It only stood still: what it admits now is its own to answer for.
      if (nowMs > untilMs || this.#gateways.knows(gateway)) {
        heard.unsubscribe()
        this.#claims.delete(gateway)
      }
    const gone = this.#gateways.takeGone(nowMs)
    if (gone.length === 0) return
    for (const gateway of gone) {
      this.#desk.log.warn({ gone: gateway }, 'a gateway is gone')
      for (const tell of this.#desk.goneListeners) tell(gateway)
      const heard = this.#desk.nc.subscribe(subjects.claimsOf(gateway), {
        queue: 'gateways',
        callback: (error, msg) => {
          if (!error) this.#onClaim(msg)
        },
      })
      this.#claims.set(gateway, { heard, untilMs: nowMs + CLAIMS_MS })
    }
    void this.#look()
  }

  [Symbol.dispose](): void {
    this.#ended = true
    clearTimeout(this.#first)
    for (const { heard } of this.#claims.values()) heard.unsubscribe()
  }

  /** One look at a time; what happens meanwhile makes for another. */
  #look(): Promise<void> {
    this.#again = this.#looking !== undefined
    this.#looking ??= this.#lookUntilDone().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #lookUntilDone(): Promise<void> {
    do {
      this.#again = false
      await sleep(this.#gateways.rank() * RANK_MS)
      try {
        await adopt(this.#desk, await orphans(this.#desk))
      } catch (cause) {
        this.#desk.log.error({ cause }, 'the jobs of a gateway that is gone could not be adopted')
        this.#again = true
        await sleep(AGAIN_MS)
      }
    } while (this.#again && !this.#ended && !this.#desk.nc.isClosed())
  }
}
