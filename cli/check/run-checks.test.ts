import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { brokenPromises, CHECKS } from './run-checks.ts'

const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [] }

/** An API that means well: it answers everything with 200, and its stream just stops. */
async function careless(): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/event-stream')
    response.end(`event: chunk\ndata: ${JSON.stringify(chunk)}\n\n`)
  })
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('an API that only looks like one keeps no promise, and the check says which it breaks', async () => {
  const broken = await brokenPromises({ url: await careless(), key: 'k', model: 'm' })
  expect(Object.keys(broken)).toEqual(CHECKS.map(({ id }) => id))
  expect(broken['stream-done']).toContain('takes this for no event')
  expect(broken['bad-json']).toContain('it answered 200')
})

test('every check has an id of its own', () => {
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length)
})
