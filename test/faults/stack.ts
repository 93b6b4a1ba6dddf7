import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import OpenAI from 'openai'
import { test as base } from 'vitest'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { startStack, type StackFixture } from '../../infra/testing/start-stack.ts'
import { echoToken } from '../../proto/echo.ts'
import { JobId } from '../../proto/ids.ts'
import { LedgerRecord } from '../../proto/ledger.ts'
import { subjects } from '../../proto/subjects.ts'

/** `test` with a whole June a file: two workers, as the launcher starts them, and the official client. */
export const test = base
  .extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
    const stack = await startStack({ workers: 2 })
    onCleanup(() => stack[Symbol.asyncDispose]())
    return stack
  })
  .extend('openai', async ({ stack }) => {
    const { gateway, key } = stack.run
    return new OpenAI({ baseURL: `${gateway}/v1`, apiKey: key, maxRetries: 0 })
  })

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

async function inState(pid: number, ...states: (string | undefined)[]): Promise<void> {
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
    const holder =
      record?.type === 'claimed' && workers.find(({ id }) => id === record.holder.worker)
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
