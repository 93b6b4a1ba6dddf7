import { echoToken, parseEcho, sayTokens } from '../../proto/echo.ts'
import { Failure } from '../../proto/failure.ts'
import type { Output } from '../../proto/frame.ts'
import type { ChatJob, ChatMessage } from '../../proto/job.ts'
import { encodeScore } from '../../proto/score.ts'
import type { Engine } from './engine.ts'
import { sleepUntil } from './sleep-until.ts'

const PROGRESS_EVERY_MS = 80
/** Without a gap, this many tokens come between two turns of the event loop. */
const BURST_TOKENS = 16

/**
 * Serves every `echo-<tokens>-<gapMs>-<prefillMs>` and `echo-say-<gapMs>`. Its tokens are known before they are made, so that a test can say
 * of any interruption whether the answer survived it. Stop strings mean nothing to it.
 */
export function echoEngine({ slots = 16 } = {}): Engine {
  const gaps = new Set<{ gapMs: number }>()

  async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
    const { job, from } = task
    const model = parseEcho(job.model)
    if (job.kind !== 'chat' || model?.kind !== 'chat')
      throw new Failure('model_not_found', `The model "${job.model}" is not an echo model.`)
    signal.throwIfAborted()
    const { maxTokens, seed, logprobs, format } = job.sampling
    if (format) throw onlyWords('response_format')
    if (job.calling?.choice === 'required') throw onlyWords('tool_choice')
    const promptTokens = words([...job.messages, { text: job.prompt ?? '' }])
    const said = model.says ? sayTokens(lastText(job)) : undefined
    const tokens = said?.length ?? model.tokens
    const until = Math.min(tokens, maxTokens ?? tokens)
    const gap = { gapMs: model.gapMs }
    gaps.add(gap)
    try {
      yield { kind: 'prompt', promptTokens, cachedTokens: 0 }
      // After a failover too: whoever goes on must read the prompt first.
      if (until > 0) yield* prefill(model.prefillMs, promptTokens, signal)
      let dueMs = performance.now()
      for (let position = from; position < until; position++) {
        if (model.gapMs > 0 || (position - from) % BURST_TOKENS === 0)
          await sleepUntil(dueMs, signal)
        signal.throwIfAborted()
        const { id, text } = said?.[position] ?? echoToken(seed, position)
        const scores = logprobs !== undefined && { scores: [certain(text, logprobs)] }
        yield { kind: 'tokens', ids: [id], texts: [text], ...scores }
        // A reader that paused is not owed a burst; a timer that fired late is made up for.
        dueMs = Math.max(dueMs + model.gapMs, performance.now())
      }
    } finally {
      gaps.delete(gap)
    }
    const finish = until < tokens ? 'length' : 'stop'
    yield { kind: 'end', finish, promptTokens, cachedTokens: 0 }
  }

  return {
    kind: 'chat',
    slots,
    contextTokens: 0,
    // The slowest that runs: a silence that one model means must not be another's death.
    stepMs: () => Math.max(0, ...Array.from(gaps, ({ gapMs }) => gapMs)),
    run,
    async [Symbol.asyncDispose]() {},
  }
}

async function* prefill(
  prefillMs: number,
  total: number,
  signal: AbortSignal,
): AsyncGenerator<Output> {
  const startMs = performance.now()
  for (let spentMs = 0; spentMs < prefillMs; spentMs += PROGRESS_EVERY_MS) {
    yield { kind: 'progress', done: Math.floor((total * spentMs) / prefillMs), total }
    await sleepUntil(startMs + Math.min(spentMs + PROGRESS_EVERY_MS, prefillMs), signal)
  }
}

const lastText = ({ messages, prompt }: ChatJob): string => prompt ?? messages.at(-1)?.text ?? ''

const onlyWords = (param: string): Failure =>
  new Failure('invalid', `An echo model answers in words only: leave ${param} out.`, { param })

/** It never had a choice. */
function certain(text: string, top: number): Uint8Array {
  const token = { bytes: utf8.encode(text), isText: true, logprob: 0 }
  return encodeScore({ token, top: top > 0 ? [token] : [] })
}

const utf8 = new TextEncoder()

const words = (messages: readonly Pick<ChatMessage, 'text'>[]): number =>
  messages.reduce((sum, { text }) => sum + (text.match(/\S+/g)?.length ?? 0), 0)
