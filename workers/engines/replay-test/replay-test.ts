import type { ChatJob } from '../../../proto/job.ts'
import type { Engine } from '../engine.ts'
import type { Replay } from '../replay.ts'
import { sampleChat } from '../sample-jobs.ts'

export interface ReplayPlan {
  model: string
  prompts: readonly string[]
  /** Of each answer, at most. */
  tokens: number
  /** In how many places each answer is cut. */
  cuts: number
}

export interface ReplayRow {
  replay: Replay
  sampling: 'greedy' | 'sampled'
  /** Whether other answers were made in the same steps. */
  beside: boolean
  /** How many answers were continued from a cut. */
  continued: number
  /** How many of them had the same tokens to the end. */
  sameTokens: number
  /** How many had the same log probabilities too, to the last bit. */
  sameBits: number
}

export interface ReplayReport {
  model: string
  rows: ReplayRow[]
  found: Record<Replay, Finding>
}

/** Of all answers that were continued: the worst. */
export type Finding = 'exact' | 'same-tokens' | 'differs'

interface Said {
  ids: number[]
  scores: string[]
}

const SAMPLINGS = { greedy: { temperature: 0 }, sampled: { temperature: 1 } } as const
const REPLAYS: readonly Replay[] = ['prefill', 'one-by-one']

/**
 * Whether an answer that is taken over goes on as if nothing had happened. Each answer is made whole, and then from
 * several cuts by an engine that knows only its tokens. `open` makes an engine whose slots are cold: a warm one holds
 * what it is to be compared with.
 */
export async function replayTest(
  plan: ReplayPlan,
  open: (replay: Replay) => Promise<Engine>,
): Promise<ReplayReport> {
  const rows: ReplayRow[] = []
  for (const replay of REPLAYS) {
    await using engine = await open(replay)
    for (const sampling of ['greedy', 'sampled'] as const)
      for (const beside of [false, true])
        rows.push({
          replay,
          sampling,
          beside,
          ...(await compare(engine, jobsOf(plan, sampling), plan, beside)),
        })
  }
  const of = (replay: Replay): Finding => findingOf(rows.filter((row) => row.replay === replay))
  return {
    model: plan.model,
    rows,
    found: { prefill: of('prefill'), 'one-by-one': of('one-by-one') },
  }
}

function findingOf(rows: readonly ReplayRow[]): Finding {
  if (rows.every(({ continued }) => continued === 0))
    throw new Error('The model said too little to be cut: nothing was compared.')
  if (rows.every(({ sameBits, continued }) => sameBits === continued)) return 'exact'
  return rows.every(({ sameTokens, continued }) => sameTokens === continued)
    ? 'same-tokens'
    : 'differs'
}

const jobsOf = ({ model, prompts, tokens }: ReplayPlan, sampling: keyof typeof SAMPLINGS) =>
  prompts.map((prompt, seed) =>
    sampleChat(model, prompt, { ...SAMPLINGS[sampling], seed, maxTokens: tokens, logprobs: 0 }),
  )

/** Whole answers are made alone, continuations alone or all at once: then slots step together as they fall. */
async function compare(
  engine: Engine,
  jobs: readonly ChatJob[],
  { cuts }: ReplayPlan,
  beside: boolean,
): Promise<Pick<ReplayRow, 'continued' | 'sameTokens' | 'sameBits'>> {
  const asked: { job: ChatJob; whole: Said; cut: number }[] = []
  for (const job of jobs) {
    const whole = await say(engine, job, [])
    for (const cut of cutsOf(whole.ids.length, cuts)) asked.push({ job, whole, cut })
  }
  const go = ({ job, whole, cut }: (typeof asked)[number]) =>
    say(engine, job, whole.ids.slice(0, cut))
  const rests = beside ? await Promise.all(asked.map(go)) : await inTurn(asked, go)
  const count = (what: keyof Said): number =>
    rests.filter((rest, i) => {
      const { whole, cut } = asked[i] ?? { whole: undefined, cut: 0 }
      return rest[what].join() === whole?.[what].slice(cut).join()
    }).length
  const sameTokens = count('ids')
  return { continued: asked.length, sameTokens, sameBits: Math.min(sameTokens, count('scores')) }
}

async function inTurn<A, B>(items: readonly A[], run: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = []
  for (const item of items) results.push(await run(item))
  return results
}

/** Evenly over an answer, the first token and the last among them; none in an answer of nothing. */
function cutsOf(length: number, cuts: number): number[] {
  const step = Math.max(1, (length - 2) / Math.max(1, cuts - 1))
  const places = Array.from({ length: cuts }, (_, i) => Math.round(1 + i * step))
  return [...new Set(places)].filter((cut) => cut < length)
}

async function say(engine: Engine, job: ChatJob, prefix: readonly number[]): Promise<Said> {
  const said: Said = { ids: [], scores: [] }
  const task = { job, from: prefix.length, prefix, input: nothing() }
  for await (const output of engine.run(task, new AbortController().signal)) {
    if (output.kind !== 'tokens') continue
    said.ids.push(...output.ids)
    for (const score of output.scores ?? []) said.scores.push(Buffer.from(score).toString('hex'))
  }
  return said
}

async function* nothing(): AsyncGenerator<never> {}
