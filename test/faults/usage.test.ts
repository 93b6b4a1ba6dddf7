import { describe, test as base, vi } from 'vitest'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { streamChat } from '../../client/stream-chat.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { startStack, type StackFixture } from '../../infra/testing/start-stack.ts'
import { JobId } from '../../proto/ids.ts'
import { LedgerRecord, type Final } from '../../proto/ledger.ts'
import { LEDGER, partOf } from '../../proto/subjects.ts'
import { UsageRecord } from '../../proto/usage.ts'
import { until } from './observer.ts'
import { tokensIn } from './running.ts'
import { kill, oracle } from './stack.ts'

const SEED = 11
const STREAMS = 8
const TOKENS = 150

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

const test = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const stack = await startStack({ workers: 2, gateways: 2 })
  onCleanup(() => stack[Symbol.asyncDispose]())
  return stack
})

interface Reader {
  job: string
  text: string
  over: Promise<void>
}

/** A client that comes back to its answer until it has it, or, with `stop`, hangs up and does not. */
function read(stack: StackFixture, urls: readonly string[], stop?: AbortSignal): Reader {
  const reader: Reader = { job: '', text: '', over: Promise.resolve() }
  const request = {
    model: `echo-${TOKENS}-15-0`,
    seed: SEED,
    messages: [{ role: 'user' as const, content: 'hi' }],
  }
  const options = stop ? { signal: stop } : {}
  reader.over = (async () => {
    for await (const { chunk, job } of streamChat({ urls, key: stack.run.key }, request, options)) {
      reader.job = job
      reader.text += chunk.choices[0]?.delta.content ?? ''
    }
  })()
  return reader
}

/** The end of every job, as LEDGER has it. */
async function finalsOf(stack: StackFixture): Promise<Map<string, Final>> {
  const nc = await connect(connectionOptions(stack.run.nats.url))
  try {
    const { direct } = await jetstreamManager(nc)
    const finals = new Map<string, Final>()
    for (let seq = 1; ;) {
      const message = await direct.getMessage(LEDGER, { seq, next_by_subj: 'ledger.>' })
      if (!message) return finals
      seq = message.seq + 1
      const record = LedgerRecord.parse(message.json())
      if (record.type === 'final') finals.set(partOf(message.subject, 1), record)
    }
  } finally {
    await nc.close()
  }
}

async function rowsOf(stack: StackFixture, url: string): Promise<UsageRecord[]> {
  const response = await fetch(`${url}/admin/usage/export?format=jsonl&start_time=0`, {
    headers: { authorization: `Bearer ${stack.run.adminKey}` },
  })
  const lines = (await response.text()).split('\n').filter(Boolean)
  return lines.map((line) => UsageRecord.parse(JSON.parse(line)))
}

const tokensOf = (finals: Iterable<Final>): number =>
  Array.from(finals).reduce((sum, { usage }) => sum + usage.completionTokens, 0)

describe('usage', () => {
  test('is what was recorded and what was read, though a gateway and a worker were killed', async ({
    stack,
    expect,
  }) => {
    const { gateways, workers } = await stack.read()
    const [victim, other] = gateways
    const urls = gateways.map(({ url }) => url)
    const stop = new AbortController()
    const readers = Array.from({ length: STREAMS }, () => read(stack, urls))
    const left = read(stack, urls, stop.signal)
    const begun = [...readers, left]
    await vi.waitUntil(() => begun.every(({ text }) => text.length > 100), { timeout: 20_000 })
    await kill(Number(victim?.pid))
    await kill(Number(workers[0]?.pid))
    await Promise.all(readers.map(({ over }) => over))
    stop.abort()
    await left.over.catch(() => undefined)
    expect(new Set(readers.map(({ text }) => text))).toEqual(new Set([oracle(SEED, TOKENS)]))

    const url = String(other?.url)
    const jobs = begun.map(({ job }) => JobId.parse(job))
    await until('a row for every job', async () => {
      const rows = await rowsOf(stack, url)
      return jobs.every((job) => rows.some((row) => row.job === job))
    })
    const [rows, finals] = [await rowsOf(stack, url), await finalsOf(stack)]
    expect(rows.map(({ job }) => job).toSorted()).toEqual([...finals.keys()].toSorted())
    expect(rows.reduce((sum, row) => sum + row.completion_tokens, 0)).toBe(
      tokensOf(finals.values()),
    )
    const counted = (job: string) => rows.find((row) => row.job === job)?.completion_tokens
    for (const { job } of readers) expect(counted(job)).toBe(TOKENS)
    expect(counted(left.job)).toBeGreaterThanOrEqual(tokensIn(left.text))
  })
})
