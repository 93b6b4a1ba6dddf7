import type { Msg } from '@nats-io/nats-core'
import { Failure } from '../../proto/failure.ts'
import { frameHead } from '../../proto/frame.ts'
import { newNonce, type GatewayId, type JobId } from '../../proto/ids.ts'
import { ReadSignal, type ReadRequest } from '../../proto/read.ts'
import { subjects } from '../../proto/subjects.ts'
import { monotonicMs } from '../clock.ts'
import { within } from '../within.ts'
import type { Desk } from './desk.ts'
import { ahead } from '../stream/position.ts'
import { notResumable, unknown, type Ask, type Found } from './finding.ts'
import { restOf, type Source } from './reading.ts'
import { Tape } from './tape.ts'

/** A gateway on the same broker answers within a millisecond; one that does not have the job does not answer. Asked again. */
const ANSWER_MS = 100
/** The owner is asked again this often, so that it knows that it is read, and we that it is there. */
export const RENEW_MS = 1_000
/** Nothing was heard for this long: the owner is gone, and another has the answer or will have it. */
const LOST_MS = 2_500

type Here = Extract<ReadSignal, { type: 'here' }>

/** Reads an answer from the gateway that owns it. Nothing where no gateway says that it does. */
export async function follow(desk: Desk, id: JobId, ask: Ask): Promise<Found | undefined> {
  const following = new Following(desk, id, ask)
  const here = await within(ANSWER_MS, following.here).catch(() => undefined)
  if (!here) {
    following.leave()
    return undefined
  }
  if (here.type === 'here') return { head: here.head, source: following, stored: false }
  following.leave()
  throw here.code === 'not_found'
    ? unknown(id)
    : here.code === 'ahead'
      ? ahead(ask.after, here.next)
      : notResumable()
}

class Following implements Source {
  readonly here: Promise<Here | Extract<ReadSignal, { type: 'refused' }>>
  readonly #desk: Desk
  readonly #id: JobId
  readonly #ask: Ask
  readonly #tape = new Tape(false)
  readonly #reader = newNonce()
  readonly #inbox: string
  readonly #renewal: ReturnType<typeof setInterval>
  readonly #unsubscribe: () => void
  #told: (signal: Here | Extract<ReadSignal, { type: 'refused' }>) => void = () => undefined
  #position: number
  #heardAtMs = monotonicMs()
  readonly take = this.#tape.read().take
  #owner: GatewayId | undefined
  #restarting = false
  #ended = false
  readonly #onGone = (gone: GatewayId): void => {
    if (gone === this.#owner) this.#over({ moved: true })
  }

  constructor(desk: Desk, id: JobId, ask: Ask) {
    this.#desk = desk
    this.#id = id
    this.#ask = ask
    this.#position = ask.after
    this.here = new Promise((resolve) => (this.#told = resolve))
    this.#inbox = desk.newInbox()
    const subscription = desk.nc.subscribe(this.#inbox, {
      callback: (error, msg) => {
        if (!error) this.#hear(msg)
      },
    })
    this.#unsubscribe = () => subscription.unsubscribe()
    this.#renewal = setInterval(() => this.#renew(), RENEW_MS)
    desk.goneListeners.add(this.#onGone)
    this.#request(true)
  }

  leave(): void {
    this.#end()
    const { tenant } = this.#ask
    const request: ReadRequest = { what: 'leave', reader: this.#reader, tenant }
    if (!this.#desk.nc.isClosed())
      this.#desk.nc.publish(subjects.read(this.#id), JSON.stringify(request), {
        reply: this.#inbox,
      })
    this.#tape.close()
  }

  #end(): void {
    this.#desk.goneListeners.delete(this.#onGone)
    clearInterval(this.#renewal)
    this.#unsubscribe()
  }

  #request(restart: boolean): void {
    const { tenant } = this.#ask
    const request: ReadRequest = {
      what: 'read',
      reader: this.#reader,
      tenant,
      after: this.#position,
      restart,
    }
    this.#desk.nc.publish(subjects.read(this.#id), JSON.stringify(request), { reply: this.#inbox })
  }

  #renew(): void {
    if (monotonicMs() - this.#heardAtMs > LOST_MS) this.#over({ moved: true })
    else if (!this.#desk.nc.isClosed()) this.#request(false)
  }

  #hear(msg: Msg): void {
    // A status: nobody listens there any more.
    if (msg.headers?.code || msg.data.byteLength === 0) return
    this.#heardAtMs = monotonicMs()
    const head = frameHead(msg.data)
    if (!head) {
      const signal = signalIn(msg)
      if (signal) this.#signal(signal)
      return
    }
    // Something was lost between us and the owner, who has it all. Asked once: what is on its way is beyond the hole too.
    if (head.seq > this.#position) {
      if (!this.#restarting) this.#request(true)
      this.#restarting = true
      return
    }
    this.#restarting = false
    if (head.kind === 'end') this.#ended = true
    for (const frame of restOf([msg.data], this.#position)) this.#tape.put(frame)
    this.#position = Math.max(this.#position, head.seq + head.count)
  }

  #signal(signal: ReadSignal): void {
    switch (signal.type) {
      case 'here':
        this.#owner = signal.gateway
        this.#told(signal)
        break
      case 'refused':
        this.#told(signal)
        break
      case 'moved':
        this.#over({ moved: true })
        break
      case 'over':
        // Its end was lost on the way: it is in ANSWERS.
        if (signal.failure) this.#over({ failure: Failure.of(signal.failure) })
        else this.#over(this.#ended ? {} : { moved: true })
        break
    }
  }

  #over(over: { failure?: Failure; moved?: true }): void {
    this.#end()
    this.#tape.close(over)
  }
}

function signalIn(msg: Msg): ReadSignal | undefined {
  try {
    return ReadSignal.safeParse(msg.json()).data
  } catch {
    return undefined
  }
}
