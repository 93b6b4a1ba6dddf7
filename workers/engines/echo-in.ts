import { parseEcho } from '../../proto/echo.ts'
import { Failure } from '../../proto/failure.ts'
import type { Output } from '../../proto/frame.ts'
import type { Engine } from './engine.ts'
import { sleepUntil } from './sleep-until.ts'

/** Serves every `echo-in-<gapMs>`: block i of the answer is block i of the input, so `from` speaks of both. */
export function echoInEngine({ slots = 16 } = {}): Engine {
  const gaps = new Set<{ gapMs: number }>()

  async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
    const model = parseEcho(task.job.model)
    if (task.job.kind !== 'duplex' || model?.kind !== 'duplex')
      throw new Failure('model_not_found', `The model "${task.job.model}" is not an echo-in model.`)
    signal.throwIfAborted()
    const gap = { gapMs: model.gapMs }
    gaps.add(gap)
    try {
      for await (const { seq, bytes } of task.input) {
        await sleepUntil(performance.now() + model.gapMs, signal)
        // A block that was answered before its `consumed` was heard comes again, and is not said again.
        if (seq >= task.from) yield { kind: 'bytes', bytes }
        yield { kind: 'consumed', through: seq + 1 }
      }
      signal.throwIfAborted()
    } finally {
      gaps.delete(gap)
    }
    yield { kind: 'end', finish: 'stop', promptTokens: 0, cachedTokens: 0 }
  }

  return {
    kind: 'duplex',
    slots,
    contextTokens: 0,
    stepMs: () => Math.max(0, ...Array.from(gaps, ({ gapMs }) => gapMs)),
    run,
    async [Symbol.asyncDispose]() {},
  }
}
