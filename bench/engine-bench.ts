import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newJobId, type GatewayId } from '../proto/ids.ts'
import type { ChatJob } from '../proto/job.ts'
import type { Lane } from '../workers/lanes/lane.ts'
import { openLanes } from '../workers/lanes/open-lanes.ts'
import { Manifest } from '../workers/models/manifest.ts'
import { load } from './load.ts'
import { median, quantile, type Row } from './report.ts'
import type { BenchStack } from './stack.ts'

const MODEL = 'bench-chat'
const QUESTION = 'How does a request travel through June step by step?'
const SLOTS = 8
const STREAMS = [1, 4, 8]
const ANSWERS = 24
const ROUNDS = 5

/** The built-in model through everything against the same engine thread driven bare, turn about in one run. */
export async function engineBench(stack: BenchStack): Promise<Row[]> {
  const dir = await benchModels()
  const lanes = await openLanes(
    { modelDirs: [dir], models: [MODEL], echo: false, echoSlots: 1, gpu: 'cpu', pace: false },
    () => {},
  )
  const [lane] = lanes
  if (!lane) throw new Error('the built-in model could not be loaded')
  try {
    await stack.startWorker(dir)
    return [...(await throughput(stack, lane)), ...(await firstToken(stack, lane))]
  } finally {
    for (const open of lanes) await open[Symbol.asyncDispose]()
    await rm(dir, { recursive: true })
  }
}

async function throughput({ gateway, key }: BenchStack, lane: Lane): Promise<Row[]> {
  const rows: Row[] = []
  for (const streams of STREAMS) {
    const rates = { bare: [] as number[], again: [] as number[], through: [] as number[] }
    const through = async (): Promise<number> => {
      const asked = { url: gateway.url, key, model: MODEL, text: QUESTION }
      const { wallMs, broken } = await load({ ...asked, requests: ANSWERS, concurrency: streams })
      if (broken > 0) throw new Error(`void: ${broken} broken answers`)
      return (ANSWERS * (await tokensOf(lane))) / (wallMs / 1000)
    }
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = {
        bare: await bareRate(lane, streams),
        through: await through(),
        again: await bareRate(lane, streams),
      }
      if (round === 0) continue
      for (const name of Object.keys(rates) as (keyof typeof rates)[])
        rates[name].push(measured[name])
    }
    const bench = `tokens/s at ${streams} stream${streams > 1 ? 's' : ''}`
    const bare = median(rates.bare)
    const ratio = (values: number[]): string =>
      `${((100 * median(values)) / bare).toFixed(0)} % of the bare engine`
    rows.push(
      { bench, row: 'engine thread, bare', value: bare, unit: 'tok/s' },
      {
        bench,
        row: 'engine thread, bare, again',
        value: median(rates.again),
        unit: 'tok/s',
        note: ratio(rates.again),
      },
      {
        bench,
        row: 'through everything',
        value: median(rates.through),
        unit: 'tok/s',
        note: ratio(rates.through),
      },
    )
  }
  return rows
}

/** What everything between a client and the engine adds to the first token, one request at a time. */
async function firstToken({ gateway, key }: BenchStack, lane: Lane): Promise<Row[]> {
  const bare: number[] = []
  const again: number[] = []
  for (const times of [bare, again])
    for (let i = 0; i < 60; i++) {
      const startedMs = performance.now()
      for await (const _ of lane.run(taskOf(), new AbortController().signal)) break
      times.push(performance.now() - startedMs)
    }
  const asked = {
    url: gateway.url,
    key,
    model: MODEL,
    text: QUESTION,
    concurrency: 1,
    requests: 60,
  }
  const { firstMs } = await load(asked)
  const bench = 'time to first token, one at a time'
  const row = (name: string, times: number[], note: string): Row => ({
    bench,
    row: name,
    value: median(times),
    unit: 'ms p50',
    note: `p90 ${quantile(times, 0.9).toFixed(1)} ms${note}`,
  })
  return [
    row('engine thread, bare', bare, ''),
    row('engine thread, bare, again', again, ''),
    row(
      'through everything',
      firstMs,
      `, added p50 ${(median(firstMs) - median(bare)).toFixed(1)} ms`,
    ),
  ]
}

async function bareRate(lane: Lane, streams: number): Promise<number> {
  let left = ANSWERS
  let tokens = 0
  const startedMs = performance.now()
  const client = async (): Promise<void> => {
    while (left-- > 0) tokens += await answer(lane)
  }
  await Promise.all(Array.from({ length: streams }, client))
  return tokens / ((performance.now() - startedMs) / 1000)
}

async function answer(lane: Lane): Promise<number> {
  let tokens = 0
  for await (const outputs of lane.run(taskOf(), new AbortController().signal))
    for (const output of outputs) if (output.kind === 'tokens') tokens += output.ids.length
  return tokens
}

let tokensInAnswer: number | undefined
const tokensOf = async (lane: Lane): Promise<number> => (tokensInAnswer ??= await answer(lane))

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
    model: MODEL,
    gateway: 'bench' as GatewayId,
    tenant: 'bench',
    admittedAtMs: Date.now(),
    deadlineAtMs: Date.now() + 60_000,
    messages: [{ role: 'user', text: QUESTION }],
    sampling,
  }
  return { job, from: 0, prefix: [], credit: 1_000_000, inputFrom: 0 }
}

/** The built-in model under another name, with eight slots and no pace. */
async function benchModels(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'june-bench-'))
  const source = fileURLToPath(new URL('../models/june-chat/', import.meta.url))
  const manifest = Manifest.parse(JSON.parse(await readFile(join(source, 'manifest.json'), 'utf8')))
  await mkdir(join(dir, MODEL))
  await cp(join(source, manifest.file), join(dir, MODEL, manifest.file))
  const renamed = { ...manifest, id: MODEL, slots: SLOTS, paceTokensPerSecond: null }
  await writeFile(join(dir, MODEL, 'manifest.json'), JSON.stringify(renamed))
  return dir
}
