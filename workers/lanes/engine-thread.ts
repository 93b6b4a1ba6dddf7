import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { EngineSpec } from '../engines/engine-spec.ts'
import type { FromThread, Loaded, RunBatch, ThreadTask, ToThread } from '../thread/protocol.ts'

/** The thread's module: tests put one in its place that dies. */
export const ENTRY = new URL('../thread/entry.ts', import.meta.url)

/** One life of an engine in a thread of its own. When the thread dies, this is over; a lane then makes the next. */
export class EngineThread {
  /** Settles when the engine is in memory. Rejects with what kept it from being loaded. */
  readonly loaded: Promise<Loaded>
  /** Resolves when the thread is no more, with the reason where it was not asked to end. */
  readonly ended: Promise<Error | undefined>
  readonly #port: MessagePort
  #stepMs = 0

  constructor(pool: Piscina<ThreadTask, void>, spec: EngineSpec, hear: (runs: RunBatch[]) => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const { promise, resolve, reject } = Promise.withResolvers<Loaded>()
    this.loaded = promise
    port1.on('message', (message: FromThread) => {
      this.#stepMs = message.stepMs
      if (message.type === 'ready') resolve(message)
      else hear(message.runs)
    })
    this.ended = this.#live(pool, { spec, port: port2 }, reject)
    // Whoever opened the thread waits for it; a thread that dies early must not end the process as well.
    this.loaded.catch(() => {})
  }

  /** As measured, and told with the last thing heard. */
  get stepMs(): number {
    return this.#stepMs
  }

  send(message: ToThread): void {
    this.#port.postMessage(message, [])
  }

  /** Waits for a step boundary and for the engine to be disposed: a thread must not be ended while it decodes. */
  async shutdown(): Promise<void> {
    this.send({ type: 'shutdown' })
    await this.ended
  }

  async #live(
    pool: Piscina<ThreadTask, void>,
    task: ThreadTask,
    notLoaded: (error: Error) => void,
  ): Promise<Error | undefined> {
    let died: Error | undefined
    try {
      // Never with a signal: Piscina would end the thread in the middle of a decode, which aborts the whole process.
      await pool.run(task, { transferList: [task.port] })
    } catch (thrown) {
      died = thrown instanceof Error ? thrown : new Error(String(thrown))
    }
    notLoaded(died ?? new Error('The thread ended before its engine was loaded.'))
    this.#port.close()
    return died
  }
}

/** A pool of one thread. */
export function onePool(entry: URL = ENTRY): Piscina<ThreadTask, void> {
  const pool = new Piscina<ThreadTask, void>({
    filename: entry.href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    // By default Piscina ends an idle thread, and parks the event loop of a waiting one.
    idleTimeout: Infinity,
    atomics: 'disabled',
  })
  // A thread that dies between two lives has no task to fail: the next life starts in the thread that replaces it.
  pool.on('error', () => {})
  return pool
}
