import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bounds } from './bounds.ts'
import { completions } from './completions.ts'
import { clientTokens } from './client-tokens.ts'
import { embeddings } from './embeddings.ts'
import { budgets } from './budgets.ts'
import { cli } from './cli.ts'
import { batches } from './batches.ts'
import { endUsers } from './end-users.ts'
import { faults } from './faults.ts'
import { fuzz } from './fuzz/fuzz.ts'
import { hangUp } from './hang-up.ts'
import { keys } from './keys.ts'
import { lifecycle } from './lifecycle.ts'
import { jobLimits, limits } from './limits.ts'
import { messages } from './messages.ts'
import { operations } from './operations.ts'
import { promises } from './promises.ts'
import { queues } from './queues.ts'
import { refusals } from './refusals.ts'
import { responseCache } from './response-cache.ts'
import { responses } from './responses.ts'
import { once, resume } from './resume.ts'
import { slowReader } from './slow-reader.ts'
import { Stack, type Runtime } from './stack.ts'
import { streamedChat } from './streamed-chat.ts'
import { usage } from './usage.ts'
import { tenancy } from './tenancy.ts'
import { tools } from './tools.ts'
import { until } from './until.ts'
import { wholeChat } from './whole-chat.ts'

/** What a gateway promises to the world outside, held against a running one, whatever it runs on. */
export function contract(runtime: Runtime): void {
  describe(`on ${runtime}`, () => {
    let opened: Stack | undefined
    const stack = (): Stack => {
      if (!opened) throw new Error('the stack did not open')
      return opened
    }

    beforeAll(async () => {
      opened = await Stack.open(runtime)
    })
    afterAll(() => opened?.[Symbol.asyncDispose]())

    test('is alive and not ready before there is a worker', async () => {
      expect((await stack().fetch('/health')).status).toBe(200)
      const response = await stack().fetch('/ready')
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ status: 'not ready', workers: false })
      await stack().startWorker('w1')
      await until(async () => (await stack().fetch('/ready')).status === 200)
    })

    streamedChat(stack)
    wholeChat(stack)
    embeddings(stack)
    tools(stack)
    messages(stack)
    batches(stack)
    operations(stack)
    promises(stack)
    refusals(stack)
    keys(stack)
    bounds(stack)
    tenancy(stack)
    clientTokens(stack)
    endUsers(stack)
    cli(stack)
    limits(stack)
    jobLimits(stack)
    hangUp(stack, runtime)
    queues(stack)
    slowReader(stack)
    resume(stack)
    responses(stack)
    completions(stack)
    once(stack)
    usage(stack)
    budgets(stack)
    responseCache(stack)
    faults(stack)

    fuzz(stack)
    lifecycle(stack)
  })
}
