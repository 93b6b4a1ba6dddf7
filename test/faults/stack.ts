import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import OpenAI from 'openai'
import { test as base, vi } from 'vitest'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import {
  startStack,
  type StackFixture,
  type StackOptions,
} from '../../infra/testing/start-stack.ts'
import { echoToken } from '../../proto/echo.ts'
import { JobId } from '../../proto/ids.ts'
import { LedgerRecord } from '../../proto/ledger.ts'
import { subjects } from '../../proto/subjects.ts'
import { holderIn, Observer, until } from './observer.ts'

// A June starts a dozen processes, and whoever shares its two cores makes that slow: only order and counts decide.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** `test` with a whole June a file, as the launcher starts it, the official client, and somebody who watches. */
export const testWith = (options: StackOptions) =>
  base
    .extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
      const stack = await startStack(options)
      onCleanup(() => stack[Symbol.asyncDispose]())
      return stack
    })
    .extend('observer', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
      const observer = await Observer.at(stack.run.nats.url)
      onCleanup(() => observer[Symbol.asyncDispose]())
      return observer
    })
    .extend('openai', async ({ stack }) => clientOf(stack))

/** Two workers. */
export const test = testWith({ workers: 2 })

export function clientOf({ run: { gateway, key } }: StackFixture): OpenAI {
  return new OpenAI({ baseURL: `${gateway}/v1`, apiKey: key, maxRetries: 0 })
}

export const oracle = (seed: number, tokens: number): string =>
  Array.from({ length: tokens }, (_, i) => echoToken(seed, i).text).join('')

export interface Ask {
  model: string
  seed?: number
  temperature?: number
  text?: string
}

/** A streamed answer, whole. `seen` is told of the text so far, and of the job, at every event. */
export async function stream(
  openai: OpenAI,
  { model, seed = 7, temperature = 0, text = 'hi' }: Ask,
  seen: (sofar: string, job: JobId) => void = () => {},
): Promise<string> {
  const { data: events, response } = await openai.chat.completions
    .create({
      model,
      seed,
      temperature,
      stream: true,
      messages: [{ role: 'user', content: text }],
    })
    .withResponse()
  const job = JobId.parse(response.headers.get('x-generation-id'))
  let answer = ''
  let finished = false
  for await (const event of events) {
    answer += event.choices[0]?.delta.content ?? ''
    finished ||= event.choices[0]?.finish_reason !== null
    seen(answer, job)
  }
  // The client takes a clean end without [DONE] for a whole answer: we do not.
  if (!finished) throw new Error(`the stream ended without a finish reason after: ${answer}`)
  return answer
}

/** A streamed answer in whose middle `fault` is done to its holder, once more than `after` characters have come. */
export async function disturbed(
  stack: StackFixture,
  openai: OpenAI,
  { after, fault, ...ask }: Ask & { after: number; fault: (pid: number) => Promise<void> },
): Promise<{ text: string; job: JobId; pid: number }> {
  let struck: Promise<number> | undefined
  let asked: JobId | undefined
  const strike = async (job: JobId): Promise<number> => {
    const { pid } = await holderOf(stack, job)
    await fault(pid)
    return pid
  }
  const text = await stream(openai, ask, (sofar, job) => {
    asked = job
    if (sofar.length > after) struck ??= strike(job)
  })
  if (!asked || !struck) throw new Error('the answer was over before the fault')
  return { text, job: asked, pid: await struck }
}

/** Kills a process, and sees that it is dead. */
export async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await inState(pid, undefined, 'Z')
}

/** Stops a process for a while, and sees that it stands still. */
export async function freeze(pid: number, forMs: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await inState(pid, 'T')
  setTimeout(() => process.kill(pid, 'SIGCONT'), forMs)
}

export async function inState(pid: number, ...states: (string | undefined)[]): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (states.includes(await stateOf(pid))) return
    await sleep(4)
  }
  throw new Error(`process ${pid} is in state ${await stateOf(pid)}, not ${states.join(' or ')}`)
}

/** What LEDGER says of a job, read as an operator would. */
export async function recordOf(stack: StackFixture, job: JobId): Promise<LedgerRecord | undefined> {
  const nc = await connect(connectionOptions(stack.run.nats.url))
  try {
    const manager = await jetstreamManager(nc)
    const message = await manager.direct.getMessage('LEDGER', {
      last_by_subj: subjects.ledger(job),
    })
    return message ? LedgerRecord.parse(message.json()) : undefined
  } finally {
    await nc.close()
  }
}

/** The process that computes a job now. */
export async function holderOf(
  stack: StackFixture,
  job: JobId,
): Promise<{ id: string; pid: number }> {
  for (let tries = 0; tries < 200; tries++) {
    const record = await recordOf(stack, job)
    const { workers } = await stack.read()
    const holder = workers.find(({ id }) => id === holderIn(record))
    if (holder) return holder
    await sleep(10)
  }
  throw new Error(`nobody holds ${job}`)
}

/** Resolves when both workers are up, as `june.json` says. */
export async function bothWorkers(stack: StackFixture): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await stack.read()).workers.length === 2) return
    await sleep(50)
  }
  throw new Error(`the workers did not come back:\n${stack.said()}`)
}

/** The state letter of a process: T is stopped; nothing when it is gone. */
export async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.split(') ')[1]?.[0]
}

/** A count from the gateway's own metrics page: `stale`, `released_by_silence`, … */
export async function countOf(stack: StackFixture, name: string): Promise<number> {
  const text = await (await fetch(`${stack.run.gateway}/metrics`)).text()
  const line = text
    .split('\n')
    .find((candidate) => candidate.startsWith(`june_gateway_${name}_total `))
  return Number(line?.split(' ')[1] ?? Number.NaN)
}

/** The process of a worker, once the launcher has it up. */
export async function pidOf(stack: StackFixture, worker: string): Promise<number> {
  return until(`a process of ${worker}`, async () => {
    const { workers } = await stack.read()
    return workers.find(({ id }) => id === worker)?.pid
  })
}

/** The process of the broker, once the launcher has it up. */
export async function brokerPid(stack: StackFixture): Promise<number> {
  return until('the broker', async () => (await stack.read()).nats.pid ?? undefined)
}
