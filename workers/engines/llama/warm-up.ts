import type { Engine } from '../engine.ts'
import { sampleChat } from '../sample-jobs.ts'

const TOKENS = 8

/** A few tokens for nobody: the first step of a model is slow, and its pace must be known before a job depends on it. */
export async function warmUp(engine: Engine): Promise<void> {
  const job = sampleChat('warm-up', 'Hello.', { maxTokens: TOKENS })
  const task = { job, from: 0, prefix: [], input: nothing() }
  for await (const output of engine.run(task, new AbortController().signal)) void output
}

async function* nothing(): AsyncGenerator<never> {}
