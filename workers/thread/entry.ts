import type { Engine } from '../engines/engine.ts'
import { loadEngine } from '../engines/load-engine.ts'
import { Failure } from '../../proto/failure.ts'
import { storyOf } from './story-of.ts'
import { Outbox } from './outbox.ts'
import type { FromThread, ThreadTask, ToThread } from './protocol.ts'
import { ThreadRun } from './thread-run.ts'

/** Piscina's handler: a whole life of an engine. It ends when told, at a step boundary, with the engine disposed. */
export default async function serve({ spec, port }: ThreadTask): Promise<void> {
  const send = (message: FromThread): void => port.postMessage(message, [])
  try {
    await using engine = await loadEngine(spec)
    const { kind, slots, contextTokens, dialect } = engine
    const ready = { kind, slots, contextTokens, ...(dialect && { dialect }) }
    send({ type: 'ready', ...ready, stepMs: engine.stepMs() })
    await untilShutdown(engine, port, send)
  } finally {
    port.close()
  }
}

async function untilShutdown(
  engine: Engine,
  port: ThreadTask['port'],
  send: (message: FromThread) => void,
): Promise<void> {
  const runs = new Map<number, ThreadRun>()
  const ends = new Set<Promise<void>>()
  const outbox = new Outbox((batch) =>
    send({ type: 'batch', stepMs: engine.stepMs(), runs: batch }),
  )

  async function pump(id: number, run: ThreadRun): Promise<void> {
    try {
      for await (const output of run.outputs(engine)) outbox.say(id, output)
      outbox.over(id, { failure: null, story: null })
    } catch (thrown) {
      const failure = Failure.from(thrown)
      outbox.over(id, { failure: failure.toJSON(), story: storyOf(failure.cause) })
    } finally {
      runs.delete(id)
    }
  }

  function start({ run: id, task }: Extract<ToThread, { type: 'start' }>): void {
    const run = new ThreadRun(task)
    runs.set(id, run)
    const end = pump(id, run).finally(() => ends.delete(end))
    ends.add(end)
    outbox.touch()
  }

  await new Promise<void>((resolve) => {
    port.on('close', resolve)
    port.on('message', (message: ToThread) => {
      switch (message.type) {
        case 'start':
          return start(message)
        case 'credit':
          return runs.get(message.run)?.credit(message.upTo)
        case 'input':
          return runs.get(message.run)?.input(message.frame)
        case 'cancel':
          return runs.get(message.run)?.cancel()
        case 'shutdown':
          return resolve()
      }
    })
  })
  for (const run of runs.values()) run.cancel()
  await Promise.all(ends)
}
