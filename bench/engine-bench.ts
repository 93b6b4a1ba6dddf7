import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Manifest } from '../workers/models/manifest.ts'
import { load } from './load.ts'
import { median, quantile, type Row } from './report.ts'
import type { BenchStack } from './stack.ts'

const MODEL = 'bench-chat'
const QUESTION = 'How does a request travel through June step by step?'
const SLOTS = 8
const STREAMS = [1, 4, 8]
const ANSWERS = 64
const FIRST_TOKENS = 60
const ROUNDS = 7

/** The built-in model through everything against the same engine thread driven bare, turn about in one run. */
export async function engineBench(stack: BenchStack): Promise<Row[]> {
  const dir = await benchModels()
  const bare = fork(
    fileURLToPath(new URL('bare-engine.ts', import.meta.url)),
    [dir, MODEL, QUESTION],
    {
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    },
  )
  try {
    await once(bare, 'message')
    await stack.startWorker(dir)
    return [...(await throughput(stack, bare)), ...(await firstToken(stack, bare))]
  } finally {
    bare.kill('SIGKILL')
    await rm(dir, { recursive: true })
  }
}

const Answer = z.object({ values: z.array(z.number()) })

async function ask(bare: ChildProcess, what: object): Promise<number[]> {
  bare.send(what)
  const [answer] = (await once(bare, 'message')) as unknown[]
  return Answer.parse(answer).values
}

async function throughput({ gateway, key }: BenchStack, bare: ChildProcess): Promise<Row[]> {
  const rows: Row[] = []
  for (const streams of STREAMS) {
    const rates = { bare: [] as number[], again: [] as number[], through: [] as number[] }
    const alone = async (): Promise<[number, number]> => {
      const [rate = 0, tokens = 0] = await ask(bare, { what: 'rate', streams, answers: ANSWERS })
      return [rate, tokens]
    }
    for (let round = 0; round <= ROUNDS; round++) {
      const [first, tokens] = await alone()
      const asked = { url: gateway.url, key, model: MODEL, text: QUESTION }
      const { wallMs, broken } = await load({ ...asked, requests: ANSWERS, concurrency: streams })
      if (broken > 0) throw new Error(`void: ${broken} broken answers`)
      const [second] = await alone()
      if (round === 0) continue
      rates.bare.push(first)
      rates.through.push((ANSWERS * tokens) / (wallMs / 1000))
      rates.again.push(second)
    }
    const bench = `tokens/s at ${streams} stream${streams > 1 ? 's' : ''}`
    const reference = median(rates.bare)
    const row = (name: string, values: number[]): Row => ({
      bench,
      row: name,
      value: median(values),
      unit: 'tok/s',
      note: `${((100 * median(values)) / reference).toFixed(0)} % of the bare engine`,
    })
    rows.push(
      { bench, row: 'engine thread, bare', value: reference, unit: 'tok/s' },
      row('engine thread, bare, again', rates.again),
      row('through everything', rates.through),
    )
  }
  return rows
}

/** What everything between a client and the engine adds to the first token, one request at a time. */
async function firstToken({ gateway, key }: BenchStack, engine: ChildProcess): Promise<Row[]> {
  const bare = await ask(engine, { what: 'first', answers: FIRST_TOKENS })
  const again = await ask(engine, { what: 'first', answers: FIRST_TOKENS })
  const asked = { url: gateway.url, key, model: MODEL, text: QUESTION, concurrency: 1 }
  const { firstMs } = await load({ ...asked, requests: FIRST_TOKENS })
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
