import { z } from 'zod'
import { Draw } from './draw.ts'
import type { Params } from './params.ts'

/** What is asked of a model. All that decides about the answer is in it, so its answer is known. */
export const Ask = z.object({
  model: z.string(),
  prompt: z.string(),
  seed: z.int(),
  temperature: z.number(),
})
export type Ask = z.infer<typeof Ask>

export const BUILT_IN = 'june-chat'

/** One client with one request. */
export const StreamPlan = z.object({
  stream: z.int(),
  atMs: z.number(),
  /** Where it asks first, as an index. */
  gateway: z.int(),
  ask: Ask,
  /** It opted in: it comes back for the rest of its answer wherever it lost it. */
  resumable: z.boolean(),
  idempotencyKey: z.string().nullable(),
  /** After so many events it hangs up, and wants no more. */
  leavesAfter: z.int().nullable(),
  /** After so many events it loses its connection, and comes back after this long. */
  drops: z.object({ after: z.int(), forMs: z.number() }).nullable(),
  /** Which of the three ways to come back it takes. */
  resumesBy: z.enum(['after', 'last-event-id', 'post']),
})
export type StreamPlan = z.infer<typeof StreamPlan>

const QUESTIONS = [
  'How does a request travel through June step by step?',
  'Tell me a long story about a token',
  'What is June?',
  'What happens when a worker dies?',
] as const

/** Asked once without faults before the run; the same words must come whatever happens. Greedy, and drawn with a seed. */
export const BUILT_IN_ASKS: readonly [Ask, ...Ask[]] = [
  { model: BUILT_IN, prompt: QUESTIONS[0], seed: 1, temperature: 0 },
  ...QUESTIONS.flatMap((prompt) => [
    { model: BUILT_IN, prompt, seed: 11, temperature: 0.9 },
    { model: BUILT_IN, prompt, seed: 12, temperature: 1.5 },
  ]),
]

/** An answer that is long enough to be struck, and short enough for many; some come so fast that a zombie has much to say. */
function echoAsk(draw: Draw, seed: number): Ask {
  const fast = draw.chance(0.4)
  const tokens = fast ? draw.whole(400, 1_200) : draw.whole(60, 260)
  const gapMs = fast ? draw.whole(2, 5) : draw.whole(8, 30)
  const model = `echo-${tokens}-${gapMs}-${draw.whole(0, 120)}`
  return { model, prompt: 'go on', seed, temperature: 0 }
}

/** Every client of a run, in the order in which they come. */
export function planStreams(params: Params): StreamPlan[] {
  const draw = new Draw(params.seed, 'streams')
  const runMs = params.minutes * 60_000
  const times = Array.from({ length: params.streams }, () => draw.share() * runMs)
  return times
    .toSorted((a, b) => a - b)
    .map((atMs, stream) => {
      const builtIn = draw.chance(0.3)
      const ask = builtIn ? draw.oneOf(BUILT_IN_ASKS) : echoAsk(draw, params.seed + stream)
      const resumable = draw.chance(params.resumable)
      const keyed = draw.chance(0.3)
      const leaves = draw.chance(0.15)
      const drops = draw.chance(0.4)
      const after = draw.whole(1, builtIn ? 8 : 50)
      const forMs = draw.whole(0, 1_500)
      return {
        stream,
        atMs: Math.round(atMs),
        gateway: draw.whole(0, params.gateways - 1),
        ask,
        resumable,
        idempotencyKey: resumable && keyed ? `chaos-${params.seed}-${stream}` : null,
        leavesAfter: leaves ? after : null,
        drops: resumable && drops && !leaves ? { after, forMs } : null,
        resumesBy: draw.oneOf(['after', 'last-event-id', 'post']),
      }
    })
}
