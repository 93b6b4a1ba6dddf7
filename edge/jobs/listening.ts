import type { Msg } from '@nats-io/nats-core'
import { Beat, BEAT_MS } from '../../proto/beat.ts'
import { BudgetId, GatewayId, WorkerId } from '../../proto/ids.ts'
import { partOf, subjects } from '../../proto/subjects.ts'
import type { Inventory } from '../catalogue/inventory.ts'
import type { Roster } from '../catalogue/roster.ts'
import { monotonicMs } from '../clock.ts'
import { within } from '../within.ts'
import { Adoption } from './adoption.ts'
import { onClaim } from './claims.ts'
import type { Desk } from './desk.ts'
import { onDisconnect, onReturn } from './disconnects.ts'
import type { Gateways } from './gateways.ts'
import type { LiveJob } from './live-job.ts'
import type { Queues } from './queues.ts'
import { Relay } from './relay.ts'
import { reread } from './reread.ts'
import { LOOK_MS, StuckConsumers } from './stuck-consumer.ts'
import { isFree, TICK_MS, Watch } from './watch.ts'

/** The last beat of a gateway that ends. */
const BYE = 'bye'
const GOODBYE_MS = 300

interface ListeningOptions {
  roster: Roster
  gateways: Gateways
  queues: Queues
  inventory: Inventory
  /** Makes sure that the streams are there: a broker may come back without its files. */
  ensureStreams: () => Promise<void>
}

/** All that reaches a desk from the bus and from the clock: claims, beats, disconnects, readers elsewhere, time. */
export class Listening {
  readonly #desk: Desk
  readonly #options: ListeningOptions
  readonly #adoption: Adoption
  readonly #timers: ReturnType<typeof setInterval>[]
  #connected = true

  constructor(desk: Desk, options: ListeningOptions) {
    this.#desk = desk
    this.#options = options
    const { gateways } = options
    const relay = new Relay(desk)
    const claims = (msg: Msg): void => {
      onClaim(desk, msg).catch((cause: unknown) => {
        desk.log.error({ cause }, 'a claim could not be answered')
      })
    }
    this.#on(subjects.claimsOf(desk.gateway), claims)
    this.#on(subjects.claimsOf('any'), claims, 'gateways')
    this.#on(subjects.beats, (msg) => this.#onBeat(msg))
    this.#on(subjects.gatewayBeats, (msg) => this.#onGatewayBeat(msg))
    this.#on(subjects.poolDisconnects, (msg) => onDisconnect(desk, msg.json(), options.roster))
    this.#on(subjects.moneyChanged, () => desk.treasury?.changed())
    this.#on(subjects.budgetsWanted, (msg) =>
      desk.treasury?.leases.wanted(BudgetId.parse(partOf(msg.subject, 2))),
    )
    this.#on(subjects.edgeDisconnects, (msg) => gateways.ended(msg.json()))
    this.#on(subjects.reads, (msg) => relay.heard(msg))
    this.#adoption = new Adoption(desk, gateways, claims)
    const watch = new Watch(desk, {
      connected: () => this.#connected,
      onStall: (ms) => gateways.forgive(ms),
      nowMs: monotonicMs(),
    })
    const tick = (): void => {
      const nowMs = monotonicMs()
      watch.tick(nowMs)
      relay.sweep(nowMs)
      desk.lines.tick(nowMs)
      if (this.#connected) this.#adoption.tick(nowMs)
    }
    const stuck = new StuckConsumers({
      jsm: desk.jsm,
      ensureQueue: (queue) => options.queues.remake(queue),
      log: desk.log,
      recreated: () => desk.counts.consumersRecreated++,
    })
    const lookForStuck = (): void => {
      if (!this.#connected) return
      const waiting = [...desk.live.values()].filter(isOffered).map(({ queue }) => queue)
      void stuck.look(waiting, monotonicMs())
    }
    this.#timers = [
      setInterval(tick, TICK_MS),
      setInterval(() => this.#beat(), BEAT_MS),
      setInterval(lookForStuck, LOOK_MS / 4),
    ]
    this.#beat()
    void this.#follow()
  }

  get connected(): boolean {
    return this.#connected
  }

  /** The others need not wait to be sure that we are gone. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#adoption[Symbol.dispose]()
    const { nc, gateway } = this.#desk
    if (!this.#connected || nc.isClosed()) return
    nc.publish(subjects.gatewayBeat(gateway), BYE)
    // A broker that is frozen keeps nobody from ending.
    await within(GOODBYE_MS, nc.flush()).catch(() => undefined)
  }

  /** A message that cannot be read is logged and dropped: nobody's bytes may end a gateway. */
  #on(subject: string, heard: (msg: Msg) => void, queue?: string): void {
    this.#desk.nc.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, msg) => {
        if (error) return
        try {
          heard(msg)
        } catch (cause) {
          this.#desk.counts.junk++
          this.#desk.log.warn({ subject: msg.subject, cause }, 'an unreadable message')
        }
      },
    })
  }

  #beat(): void {
    const { nc, gateway } = this.#desk
    if (this.#connected) nc.publish(subjects.gatewayBeat(gateway), String(nc.info?.client_id ?? 0))
  }

  #onBeat(msg: Msg): void {
    const { roster, queues, inventory } = this.#options
    const worker = WorkerId.parse(partOf(msg.subject, 1))
    const beat = Beat.parse(msg.json())
    if (!roster.heard(worker, beat, monotonicMs())) {
      this.#desk.counts.seconds++
      return
    }
    inventory.note(worker, beat)
    for (const { kind, queue } of beat.offerings)
      if (!queues.full) queues.ensure({ kind, name: queue }).catch(() => undefined)
    onReturn(this.#desk, worker, beat)
  }

  #onGatewayBeat(msg: Msg): void {
    const { gateways } = this.#options
    const id = GatewayId.parse(partOf(msg.subject, 1))
    if (id === this.#desk.gateway) {
      this.#desk.pulse.echoed(monotonicMs())
      return
    }
    if (msg.string() === BYE) gateways.bade(id)
    else gateways.heard(id, Number(msg.string()), monotonicMs())
  }

  async #follow(): Promise<void> {
    const { nc, live, log, pulse } = this.#desk
    const { gateways, queues, ensureStreams } = this.#options
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        this.#connected = false
        pulse.expire()
      }
      if (status.type !== 'reconnect') continue
      queues.forget()
      await ensureStreams().catch((cause: unknown) => {
        log.error({ cause }, 'the streams could not be made sure of')
      })
      for (const job of live.values()) job.silence.excuse(monotonicMs())
      gateways.excuse(monotonicMs())
      this.#connected = true
      // Others may have thought us gone.
      await reread(this.#desk)
    }
    this.#connected = false
  }
}

const isOffered = (live: LiveJob): boolean => isFree(live) && live.streamSeq > 0
