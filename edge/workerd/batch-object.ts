import { DurableObject } from 'cloudflare:workers'
import { batchStore } from '../../db/batch-store.ts'
import { fileStore } from '../../db/file-store.ts'
import { newGatewayId } from '../../proto/ids.ts'
import { createApp } from '../app.ts'
import { batchWork } from '../batches/batch-work.ts'
import { BatchRunner } from '../batches/batch-runner.ts'
import { sendAs } from '../batches/send-as.ts'
import { sleep } from '../clock.ts'
import { readVars, type Bindings } from './bindings.ts'
import { askDatabase } from './database.ts'
import { consoleLog } from './log.ts'
import { portsOf } from './ports-of.ts'

/** An alarm may take a quarter of an hour: one that takes longer than this is left for the next. */
const TURN_MS = 10 * 60_000
/** What could not be carried on is tried again after its lease. */
const LATER_MS = 30_000

/** Carries out the batches of a deployment. Its alarm is on disk, so what was begun goes on after it slept or died. */
export class BatchObject extends DurableObject<Bindings> {
  readonly #vars = readVars(this.env)
  readonly #waitUntil = (rest: Promise<unknown>): void => this.ctx.waitUntil(rest)
  readonly #ask = askDatabase({ url: this.#vars.DATABASE_URL, waitUntil: this.#waitUntil })
  readonly #work = batchWork(batchStore(this.#ask))
  #runner: BatchRunner | undefined

  async stir(): Promise<void> {
    this.#running().stir()
    await this.ctx.storage.setAlarm(Date.now())
  }

  /** Awake for as long as there is something to do. */
  override async alarm(): Promise<void> {
    const runner = this.#running()
    runner.stir()
    await Promise.race([runner.idle(), sleep(TURN_MS)])
    await runner.sweep()
    if (runner.busy) await this.ctx.storage.setAlarm(Date.now())
    else if (await this.#anyOpen()) await this.ctx.storage.setAlarm(Date.now() + LATER_MS)
  }

  /** Where nobody can say, there may be. */
  async #anyOpen(): Promise<boolean> {
    return this.#work.anyOpen().catch(() => true)
  }

  #running(): BatchRunner {
    this.#runner ??= this.#open()
    return this.#runner
  }

  #open(): BatchRunner {
    const { GATEWAY_NAME, LOG_LEVEL } = this.#vars
    const work = this.#work
    const files = fileStore(this.#ask)
    const app = createApp(portsOf(this.env, this.#waitUntil))
    const log = consoleLog(LOG_LEVEL, { gateway: GATEWAY_NAME })
    const sweep = (): Promise<void> => files.sweep()
    const holder = newGatewayId(GATEWAY_NAME)
    const send = sendAs(() => app, work.keyOf)
    return new BatchRunner({ work, files, holder, send, sweep, log })
  }
}
