import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { leashed } from '../leash.ts'
import { Trouble } from '../trouble.ts'
import { Backoff } from './backoff.ts'
import type { ChildLog } from './child-log.ts'

/** One process that June consists of: what it is, not how it fares. */
export interface ChildSpec {
  name: string
  command: readonly [string, ...string[]]
  env: Record<string, string | undefined>
  /** Sends `{ type: 'ready', url }` on its channel; or has no channel, and is up once `up` says so. */
  ready: 'tells' | { url: string; up: () => Promise<boolean> }
}

export interface ChildEvents {
  /** It came up, or went. */
  changed: (child: Child) => void
  /** It said something while starting. */
  progress: (child: Child, text: string) => void
  /** It died, and will be started again. */
  died: (child: Child, how: string, delayMs: number) => void
  line: (child: Child, line: string) => void
}

const FromChild = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), url: z.string() }),
  z.object({ type: z.literal('progress'), text: z.string() }),
])

/** Deaths before it was ever up, after which it is not going to be. */
const HOPELESS = 3

/** A process that is started again whenever it dies, until it is told to stop. */
export class Child {
  readonly name: string
  readonly #spec: ChildSpec
  readonly #events: ChildEvents
  readonly #log: ChildLog
  readonly #backoff = new Backoff()
  readonly #firstUp = Promise.withResolvers<void>()
  #process: ChildProcess | undefined
  #url: string | undefined
  #stopping = false
  #everUp = false
  #upSinceMs: number | undefined
  #deaths = 0
  #gone = Promise.resolve()

  constructor(spec: ChildSpec, log: ChildLog, events: ChildEvents) {
    this.name = spec.name
    this.#spec = spec
    this.#log = log
    this.#events = events
    // Whoever waits hears of it; and nobody may be waiting yet.
    this.#firstUp.promise.catch(() => {})
  }

  /** Where it can be reached and as which process, while it is up. */
  get running(): { url: string; pid: number } | undefined {
    const pid = this.#process?.pid
    return pid !== undefined && this.#url !== undefined ? { url: this.#url, pid } : undefined
  }

  /** Until it is up for the first time. Fails where it dies again and again instead. */
  async start(): Promise<void> {
    this.#run()
    await this.#firstUp.promise
  }

  /** Lets it end by itself, and ends it at `killAtMs` on the clock of `performance`. */
  async stop(killAtMs: number): Promise<void> {
    this.#stopping = true
    this.#process?.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), Math.max(0, killAtMs - performance.now()))
    await this.#gone
    clearTimeout(timer)
    this.#log.close()
  }

  kill(): void {
    this.#stopping = true
    this.#process?.kill('SIGKILL')
  }

  #run(): void {
    if (this.#stopping) return
    const { command, env, ready } = this.#spec
    const [file, ...args] = command
    // In a process group of its own: Ctrl-C in the terminal is for the launcher, which stops the rest in order.
    const child = spawn(...leashed(file, args), {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(ready === 'tells' ? ['ipc' as const] : [])],
    })
    this.#process = child
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gone = promise
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface(stream).on('line', (line) => this.#heard(line))
    }
    child.on('message', (message) => this.#told(message))
    const died = async (how: string): Promise<void> => {
      resolve()
      // Its last words may still be on their way; but a grandchild that holds the pipe must not hold us.
      if (child.pid !== undefined) await Promise.race([once(child, 'close'), sleep(50)])
      this.#died(how)
    }
    child.once('exit', (code, signal) => void died(signal ?? `exit code ${code}`))
    child.on('error', (error) => {
      this.#heard(error.message)
      if (child.pid === undefined) void died('no process')
    })
    if (ready !== 'tells') void this.#watch(child, ready)
  }

  async #watch(child: ChildProcess, ready: { url: string; up: () => Promise<boolean> }) {
    while (this.#process === child && !(await ready.up())) await sleep(15)
    if (this.#process === child) this.#up(ready.url)
  }

  #told(raw: unknown): void {
    const message = FromChild.safeParse(raw)
    if (!message.success) return
    if (message.data.type === 'ready') this.#up(message.data.url)
    else this.#events.progress(this, message.data.text)
  }

  #up(url: string): void {
    this.#url = url
    this.#upSinceMs = performance.now()
    this.#everUp = true
    this.#firstUp.resolve()
    this.#events.changed(this)
  }

  #heard(line: string): void {
    this.#log.write(line)
    this.#events.line(this, line)
  }

  #died(how: string): void {
    const upForMs = this.#upSinceMs === undefined ? 0 : performance.now() - this.#upSinceMs
    this.#upSinceMs = undefined
    this.#process = undefined
    this.#url = undefined
    this.#events.changed(this)
    if (this.#stopping) return
    this.#deaths++
    if (!this.#everUp && this.#deaths >= HOPELESS) {
      this.#firstUp.reject(this.#hopeless(how))
      return
    }
    const delayMs = this.#backoff.next(upForMs)
    this.#events.died(this, how, delayMs)
    setTimeout(() => this.#run(), delayMs)
  }

  #hopeless(how: string): Trouble {
    const said = this.#log.tail.slice(-8).map((line) => `    ${line}`)
    return new Trouble(
      `${this.name} does not start: it ended ${HOPELESS} times, last with ${how}.`,
      ['It said last:', ...said, `All of it is in ${this.#log.file}`].join('\n'),
    )
  }
}
