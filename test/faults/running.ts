import type OpenAI from 'openai'
import { JobId } from '../../proto/ids.ts'
import { until, type Observer } from './observer.ts'
import { oracle, type Ask } from './stack.ts'

/** An answer that is on its way. */
export interface Running {
  job: JobId
  seed: number
  /** What the client has of it. */
  text: () => string
  /** Resolves once the client has so many tokens of an echo answer. */
  seen: (tokens: number) => Promise<void>
  /** The whole of it. Rejects where the stream says that it failed, or ends without a word. */
  whole: Promise<string>
}

export const tokensIn = (text: string): number => text.split(' ').length - 1

/** Asks, and goes on as soon as the gateway has accepted the job. */
export async function start(
  openai: OpenAI,
  { model, seed = 7, temperature = 0, text: content = 'hi' }: Ask,
): Promise<Running> {
  const { data: events, response } = await openai.chat.completions
    .create({ model, seed, temperature, stream: true, messages: [{ role: 'user', content }] })
    .withResponse()
  let answer = ''
  const read = async (): Promise<string> => {
    let finished = false
    for await (const event of events) {
      answer += event.choices[0]?.delta.content ?? ''
      finished ||= event.choices[0]?.finish_reason !== null
    }
    // The client takes a clean end without [DONE] for a whole answer: we do not.
    if (!finished) throw new Error(`the stream ended in silence after ${answer.length} characters`)
    return answer
  }
  const whole = read()
  // Whoever waits for it hears of a failure; a test that waits for something else first must not end by it.
  whole.catch(() => undefined)
  return {
    job: JobId.parse(response.headers.get('x-generation-id')),
    seed,
    text: () => answer,
    seen: async (tokens) => {
      await until(`${tokens} tokens`, () => tokensIn(answer) >= tokens)
    },
    whole,
  }
}

/** So many answers at once, each with a seed of its own: `from`, `from` + 1, … */
export const startMany = (
  openai: OpenAI,
  { count, from, model }: { count: number; from: number; model: string },
): Promise<Running[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => start(openai, { model, seed: from + i })))

/** Answers, one after the other, until so many workers compute one each. */
export async function oneAtEach(
  workers: number,
  { openai, observer }: { openai: OpenAI; observer: Observer },
  { from, model }: { from: number; model: string },
): Promise<{ all: Running[]; each: { worker: string; answer: Running }[] }> {
  const all: Running[] = []
  const at = new Map<string, Running>()
  while (at.size < workers) {
    if (all.length === 60) throw new Error(`only ${[...at.keys()].join(', ')} take jobs`)
    const answer = await start(openai, { model, seed: from + all.length })
    all.push(answer)
    at.set(await observer.holder(answer.job), answer)
  }
  return { all, each: Array.from(at, ([worker, answer]) => ({ worker, answer })) }
}

/** Which of them are not what the echo engine must say, and how. */
export async function wrongAmong(running: readonly Running[], tokens: number): Promise<string[]> {
  const wrong = await Promise.all(running.map((one) => wrongIn(one, tokens)))
  return wrong.filter((what) => what !== undefined)
}

async function wrongIn({ seed, whole }: Running, tokens: number): Promise<string | undefined> {
  const right = oracle(seed, tokens)
  try {
    const text = await whole
    if (text === right) return undefined
    const at = Array.from(text).findIndex((char, i) => char !== right[i])
    return `seed ${seed}: ${tokensIn(text)} tokens, another from character ${at} on: ${text.slice(at, at + 40)}`
  } catch (thrown) {
    return `seed ${seed}: ${String(thrown)}`
  }
}
