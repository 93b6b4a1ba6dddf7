import { newJobId, type GatewayId } from '../proto/ids.ts'
import type { ChatJob } from '../proto/job.ts'
import type { Lane } from '../workers/lanes/lane.ts'
import { openLanes } from '../workers/lanes/open-lanes.ts'
import { z } from 'zod'

/**
 * The engine thread and nothing else: no broker, no gateway, no HTTP. A process of its own, so that it has the same
 * thread pool as a worker has. `bare-engine.ts <models dir> <model> <question>`, then asked over the channel.
 */
const [modelsDir = '', model = '', question = ''] = process.argv.slice(2)
const Ask = z.discriminatedUnion('what', [
  z.object({ what: z.literal('rate'), streams: z.int(), answers: z.int() }),
  z.object({ what: z.literal('first'), answers: z.int() }),
])

const settings = {
  models: [model],
  echo: false,
  echoSlots: 1,
  lexical: false,
  gpu: 'cpu',
  pace: false,
} as const
const [lane] = await openLanes({ ...settings, modelDirs: [modelsDir] }, () => {})
if (!lane) throw new Error(`${model} could not be loaded`)
process.on('disconnect', () => process.exit(0))
process.on('message', (raw) => void answerTo(lane, Ask.parse(raw)))
process.send?.({ type: 'ready', url: '' })

async function answerTo(engine: Lane, ask: z.infer<typeof Ask>): Promise<void> {
  const values = ask.what === 'rate' ? await rate(engine, ask) : await first(engine, ask.answers)
  process.send?.({ values })
}

/** Tokens a second, and tokens in one answer. */
async function rate(engine: Lane, { streams, answers }: { streams: number; answers: number }) {
  let left = answers
  let tokens = 0
  const startedMs = performance.now()
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const made = await answer(engine)
      tokens += made
    }
  }
  await Promise.all(Array.from({ length: streams }, client))
  return [tokens / ((performance.now() - startedMs) / 1000), tokens / answers]
}

/** Milliseconds to the first output, each. */
async function first(engine: Lane, answers: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < answers; i++) {
    const startedMs = performance.now()
    for await (const outputs of engine.run(taskOf(), new AbortController().signal))
      if (outputs.some(({ kind }) => kind === 'tokens')) break
    times.push(performance.now() - startedMs)
  }
  return times
}

async function answer(engine: Lane): Promise<number> {
  let tokens = 0
  for await (const outputs of engine.run(taskOf(), new AbortController().signal))
    for (const output of outputs) if (output.kind === 'tokens') tokens += output.ids.length
  return tokens
}

function taskOf() {
  const sampling = {
    temperature: 0,
    topP: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    seed: 7,
    maxTokens: null,
    stop: [],
  }
  const job: ChatJob = {
    id: newJobId(),
    kind: 'chat',
    model,
    gateway: 'bench' as GatewayId,
    tenant: 'bench',
    key: 'bench',
    priority: 'default',
    admittedAtMs: Date.now(),
    deadlineAtMs: Date.now() + 60_000,
    reading: { resumable: false, includeUsage: false },
    messages: [{ role: 'user', text: question }],
    sampling,
  }
  return { job, from: 0, prefix: [], credit: 1_000_000, inputFrom: 0 }
}
