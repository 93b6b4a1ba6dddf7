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

/** Carries out the batches of a deployment. Its alarm is on disk, so what was begun goes on after it slept or died. */
export class BatchObject extends DurableObject<Bindings> {
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
    if (runner.busy) await this.ctx.storage.setAlarm(Date.now())
  }

  #running(): BatchRunner {
    this.#runner ??= this.#open()
    return this.#runner
  }

  #open(): BatchRunner {
    const { DATABASE_URL, GATEWAY_NAME, LOG_LEVEL } = readVars(this.env)
    const waitUntil = (rest: Promise<unknown>): void => this.ctx.waitUntil(rest)
    const ask = askDatabase({ url: DATABASE_URL, waitUntil })
    const files = fileStore(ask)
    const work = batchWork(batchStore(ask))
    const app = createApp(portsOf(this.env, waitUntil))
    const log = consoleLog(LOG_LEVEL, { gateway: GATEWAY_NAME })
    const sweep = (): Promise<void> => files.sweep()
    const holder = newGatewayId(GATEWAY_NAME)
    const send = sendAs(() => app, work.keyOf)
    return new BatchRunner({ work, files, holder, send, sweep, log })
  }
}
