import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { batchStore } from '../../db/batch-store.ts'
import { openDb, type Db } from '../../db/client.ts'
import { fileStore } from '../../db/file-store.ts'
import { batches } from '../../db/schema/batches.ts'
import { projects } from '../../db/schema/projects.ts'
import { startDatabase, type DatabaseFixture } from '../../infra/testing/start-database.ts'
import {
  newGatewayId,
  newKeyId,
  newProjectId,
  type BatchId,
  type FileId,
  type GatewayName,
  type ProjectId,
} from '../../proto/ids.ts'
import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import type { Log } from '../../edge/ports.ts'
import { batchWork } from '../../edge/batches/batch-work.ts'
import { BatchRunner } from '../../edge/batches/batch-runner.ts'
import type { Send } from '../../edge/batches/carry-out.ts'

const log: Log = { info: () => {}, warn: () => {}, error: () => {} }
const LINES = 50

let database: DatabaseFixture
let db: Db

beforeAll(async () => {
  database = await startDatabase()
  db = openDb(database.url)
}, 60_000)
afterAll(async () => {
  await db.$client.end()
  await database[Symbol.asyncDispose]()
})

const ask = <T>(query: (on: Db) => Promise<T>): Promise<T> => query(db)

async function newBatch(project = DEFAULT_PROJECT): Promise<BatchId> {
  const text = Array.from({ length: LINES }, (_, i) =>
    JSON.stringify({ custom_id: `c${i}`, method: 'POST', url: '/v1/completions', body: { i } }),
  ).join('\n')
  const head = { filename: 'in', purpose: 'batch', expiresAtMs: null } as const
  const file = await fileStore(ask).put(project, head, [new TextEncoder().encode(text)])
  const wanted = { input_file_id: file.id, completion_window: '24h' } as const
  const asked = { ...wanted, endpoint: '/v1/completions' } as const
  return (await batchStore(ask).create(project, newKeyId(), asked)).id
}

function gateway(send: Send): BatchRunner {
  const runner = new BatchRunner({
    work: batchWork(batchStore(ask)),
    files: fileStore(ask),
    holder: newGatewayId('g' as GatewayName),
    send: () => send,
    sweep: () => Promise.resolve(),
    log,
  })
  onTestFinished(() => runner[Symbol.asyncDispose]())
  return runner
}

const find = (id: BatchId, project = DEFAULT_PROJECT) => batchStore(ask).find(project, id)

async function newProject(): Promise<ProjectId> {
  const id = newProjectId()
  await db.insert(projects).values({ id, organisation: DEFAULT_ORGANISATION, name: 'another' })
  return id
}

/** Leaves the lines of one batch for ever without an answer. */
const answersAllBut =
  (id: BatchId): Send =>
  (url, init) =>
    answersBelow(init.headers['idempotency-key']?.startsWith(id) ? 0 : LINES, 'it')(url, init)

const idOf = (body: string): number => (JSON.parse(body) as { i: number }).i

const refusal = (status: number, headers: Record<string, string>): Response =>
  Response.json({ error: {} }, { status, headers })

/** Answers lines below a number, and leaves the others for ever without an answer. */
const answersBelow =
  (bound: number, by: string): Send =>
  (_, { body }) =>
    idOf(body) < bound ? Promise.resolve(Response.json({ by })) : new Promise(() => {})

/** Refuses some lines as gateways do, the first ones until the third try. */
function refusing(tries: Map<number, number>): Send {
  const statuses = [429, 503, 500]
  return (_, { body }) => {
    const i = idOf(body)
    const n = (tries.get(i) ?? 0) + 1
    tries.set(i, n)
    if (i === 40) return Promise.resolve(refusal(429, { 'x-should-retry': 'false' }))
    if (i === 41) return Promise.resolve(refusal(500, { 'retry-after-ms': '1' }))
    const status = n < 3 ? statuses[i] : undefined
    return Promise.resolve(status ? refusal(status, { 'retry-after-ms': '1' }) : Response.json({}))
  }
}

async function outputOf(id: BatchId): Promise<string[]> {
  const batch = await find(id)
  let text = ''
  if (batch?.output_file_id)
    for await (const bytes of fileStore(ask).read(batch.output_file_id))
      text += new TextDecoder().decode(bytes)
  return text.trim().split('\n')
}

describe('a batch', () => {
  test('that a gateway died with goes on elsewhere after its last result, and every line has one', async () => {
    const dying = gateway(answersBelow(20, 'first'))
    const id = await newBatch()
    dying.stir()
    await expect.poll(async () => (await batchStore(ask).done(id)).length).toBe(20)
    // Its lease runs out, and another is there before it renews it.
    await db
      .update(batches)
      .set({ heldUntil: sql`now()` })
      .where(eq(batches.id, id))
    const again: number[] = []
    const other = gateway((url, init) => {
      again.push(idOf(init.body))
      return answersBelow(LINES, 'second')(url, init)
    })
    other.stir()
    await expect.poll(async () => (await find(id))?.status).toBe('completed')
    expect(again.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 20))
    const batch = await find(id)
    expect(batch?.request_counts).toEqual({ total: LINES, completed: LINES, failed: 0 })
    const whose = (await outputOf(id)).map((each) => /first|second/.exec(each)?.[0])
    expect(whose).toEqual([
      ...Array.from({ length: 20 }, () => 'first'),
      ...Array.from({ length: 30 }, () => 'second'),
    ])
  })

  test('waits where a limit or a full queue says so, and tries a fault of ours again a few times', async () => {
    const tries = new Map<number, number>()
    const runner = gateway(refusing(tries))
    const id = await newBatch()
    runner.stir()
    await expect.poll(async () => (await find(id))?.status).toBe('completed')
    expect([0, 1, 2, 3, 40, 41].map((i) => tries.get(i))).toEqual([3, 3, 3, 1, 1, 4])
    expect((await find(id))?.request_counts).toEqual({ total: LINES, completed: 48, failed: 2 })
  })

  test('whose day is over tells of every line what became of it', async () => {
    const runner = gateway(answersBelow(5, 'first'))
    const id = await newBatch()
    runner.stir()
    await expect.poll(async () => (await batchStore(ask).done(id)).length).toBe(5)
    await db
      .update(batches)
      .set({ expiresAt: sql`now()` })
      .where(eq(batches.id, id))
    runner.stir()
    await expect.poll(async () => (await find(id))?.status).toBe('expired')
    expect((await find(id))?.request_counts).toEqual({ total: LINES, completed: 5, failed: 45 })
  })

  test('that waits keeps one of its own project waiting, and none of another', async () => {
    const other = await newProject()
    const slow = await newBatch()
    const next = await newBatch()
    const theirs = await newBatch(other)
    const runner = gateway(answersAllBut(slow))
    runner.stir()
    await expect.poll(async () => (await find(theirs, other))?.status).toBe('completed')
    expect((await find(slow))?.status).toBe('in_progress')
    expect((await find(next))?.status).toBe('validating')
    await batchStore(ask).cancel(DEFAULT_PROJECT, slow)
    runner.stir()
    await expect.poll(async () => (await find(next))?.status).toBe('completed')
  })

  test('has an input that cannot be deleted before it is over', async () => {
    const runner = gateway(answersBelow(LINES, 'it'))
    const id = await newBatch()
    const input = (await find(id))?.input_file_id as FileId
    expect(await fileStore(ask).remove(DEFAULT_PROJECT, input)).toBe(false)
    runner.stir()
    await expect.poll(async () => (await find(id))?.status).toBe('completed')
    expect(await fileStore(ask).remove(DEFAULT_PROJECT, input)).toBe(true)
  })
})
