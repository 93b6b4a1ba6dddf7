import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MessagesError } from '../../../proto/anthropic/messages.ts'
import { ErrorBody } from '../../../proto/openai/error.ts'
import type { Stack } from '../stack.ts'
import { operationsIn, requestsFor, type Document, type Sent } from './operations-in.ts'

/** Requests for each operation: few, since every run is another seed. A failure names the one to repeat. */
const RUNS = 16
const HANG_MS = 10_000

/** What reaches no caller: our stack, sources, paths and tables. */
const INSIDES = /node_modules|file:\/\/|\.ts:\d|\bat \w+ \(|select "|insert into|PostgresError/

/** Whatever is sent, what comes back is an answer or an error object, soon, and never a fault of ours. */
export function fuzz(stack: () => Stack): void {
  describe('whatever is sent to it', () => {
    test(
      'the gateway answers, or names what is wrong, and goes on',
      { timeout: 240_000 },
      async () => {
        const key = stack().admin
        const document = (await (await stack().fetch('/openapi.json')).json()) as Document
        const operations = operationsIn(document)
        expect(operations.length).toBeGreaterThan(10)
        for (const operation of operations)
          await fc.assert(
            fc.asyncProperty(requestsFor(operation, document), async (sent) => {
              await answers(stack(), sent, key)
            }),
            { numRuns: RUNS, endOnFailure: true },
          )
        expect((await stack().fetch('/v1/models', { key })).status).toBe(200)
      },
    )
  })
}

async function answers(stack: Stack, { method, path, json }: Sent, key: string): Promise<void> {
  const signal = AbortSignal.timeout(HANG_MS)
  const body = json === undefined ? {} : { json }
  const response = await stack.fetch(path, { key, signal, method, ...body })
  const text = await response.text()
  expect(text).not.toMatch(INSIDES)
  if (response.ok) return
  const asked = `${method} ${path} ${JSON.stringify(json)?.slice(0, 2_000)}`
  expect(response.status, `${asked}: ${text}`).toBeLessThan(500)
  const error = path.startsWith('/v1/messages') ? MessagesError : ErrorBody
  expect(error.safeParse(JSON.parse(text)).success, `${asked}: ${text}`).toBe(true)
}
