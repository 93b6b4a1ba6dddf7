import { jetstreamManager } from '@nats-io/jetstream'
import { sql } from 'drizzle-orm'
import { describe, onTestFinished, vi } from 'vitest'
import { Database } from '../../edge/node/database.ts'
import { writeUsage } from '../../db/queries/write-usage.ts'
import { startTcpProxy } from '../../infra/testing/tcp-proxy.ts'
import { LEDGER, USAGE } from '../../proto/subjects.ts'
import { echoJob, read } from './desk-fixture.ts'
import { never } from './two-desks.ts'
import { into, rowsOf, startWriter, sumsOf, test } from './usage-fixture.ts'

const SOON = { timeout: 15_000, interval: 50 }

describe('a job that ended', () => {
  test('is one row, which says what its last record says', async ({
    nats,
    db,
    ledger,
    project,
    desk,
    w1,
    expect,
  }) => {
    await using writer = await startWriter(nats.url('g1'), into(db))
    const job = { ...echoJob(desk), tenant: project, user: 'ana\0\ud800' }
    const answer = read(await desk.ask(job, { signal: never }))
    const { offer } = await w1.take()
    w1.echo(offer, 1, [0, 20])
    w1.end(offer, 1, 20)
    await answer
    await vi.waitFor(async () => expect(await rowsOf(db, project)).toHaveLength(1), SOON)
    const [row] = await rowsOf(db, project)
    expect(row).toEqual({
      job: job.id,
      project,
      key: job.key,
      user: 'ana\ufffd',
      model: job.model,
      kind: 'chat',
      priority: 'default',
      fromCache: false,
      admittedAt: new Date(job.admittedAtMs),
      endedAt: expect.any(Date),
      firstTokenMs: expect.any(Number),
      outcome: 'done',
      finish: 'stop',
      promptTokens: 1,
      cachedTokens: 0,
      completionTokens: 20,
      gateway: desk.desk.gateway,
      workers: [w1.id],
      costNano: null,
    })
    expect(await sumsOf(db, project)).toEqual({ rows: [1, 20], hours: [1, 20] })
    await vi.waitFor(async () => expect(await ledger.unwritten()).toBe(0), SOON)
    expect(writer.counts).toMatchObject({ written: 1, skipped: 1, unwritable: 0, failures: 0 })
  })

  test('counts once, though its writer died between writing and saying so', async ({
    nats,
    db,
    ledger,
    project,
    expect,
  }) => {
    const written = Promise.withResolvers<void>()
    const first = await startWriter(nats.url('g1'), async (rows) => {
      await writeUsage(db, rows)
      written.resolve()
      await new Promise(() => {})
    })
    for (let i = 0; i < 7; i++) await ledger.end(project)
    await written.promise
    await first.kill()
    await using second = await startWriter(nats.url('g2'), into(db))
    await vi.waitFor(async () => expect(await ledger.unwritten()).toBe(0), SOON)
    expect(second.counts.written).toBeGreaterThan(0)
    expect(await sumsOf(db, project)).toEqual({ rows: [7, 140], hours: [7, 140] })
  })

  test('is written when the database is back, and counts once', async ({
    nats,
    database,
    db,
    ledger,
    project,
    expect,
  }) => {
    const url = new URL(database.url)
    await using proxy = await startTcpProxy({ port: Number(url.port) })
    url.port = String(proxy.port)
    await using far = new Database(url.href, 400)
    const write = (rows: Parameters<typeof writeUsage>[1]) => far.ask((to) => writeUsage(to, rows))
    await using writer = await startWriter(nats.url('g1'), write)
    // Cut off only on its way back: the database may have written what the writer believes it has not.
    proxy.set({ mode: 'drop' }, 'down')
    for (let i = 0; i < 5; i++) await ledger.end(project)
    await vi.waitFor(() => expect(writer.counts.failures).toBeGreaterThan(1), SOON)
    expect(await ledger.unwritten()).toBeGreaterThan(0)
    proxy.set({ mode: 'pass' })
    proxy.reset()
    await vi.waitFor(async () => expect(await ledger.unwritten()).toBe(0), SOON)
    expect(proxy.seen.down.dropped).toBeGreaterThan(0)
    expect(await sumsOf(db, project)).toEqual({ rows: [5, 100], hours: [5, 100] })
  })

  test('is written by one of many gateways', async ({ nats, db, ledger, project, expect }) => {
    await using one = await startWriter(nats.url('g1'), into(db))
    await using other = await startWriter(nats.url('g2'), into(db))
    for (let i = 0; i < 40; i++) await ledger.end(project)
    await vi.waitFor(async () => expect(await ledger.unwritten()).toBe(0), SOON)
    expect(one.counts.written + other.counts.written).toBe(40)
    expect(await sumsOf(db, project)).toEqual({ rows: [40, 800], hours: [40, 800] })
  })

  test('is written again into a database that lost it, where an operator removes the consumer', async ({
    nats,
    broker,
    db,
    ledger,
    project,
    expect,
  }) => {
    await using writer = await startWriter(nats.url('g1'), into(db))
    for (let i = 0; i < 4; i++) await ledger.end(project)
    await vi.waitFor(async () => expect(await rowsOf(db, project)).toHaveLength(4), SOON)
    await db.execute(sql`truncate usage, usage_hours`)
    await (await jetstreamManager(broker)).consumers.delete(LEDGER, USAGE)
    await vi.waitFor(async () => expect(await rowsOf(db, project)).toHaveLength(4), SOON)
    expect(await sumsOf(db, project)).toEqual({ rows: [4, 80], hours: [4, 80] })
    expect(writer.counts.written).toBe(8)
  })

  test('and cannot be written keeps no other from it', async ({
    nats,
    db,
    ledger,
    project,
    expect,
  }) => {
    for (let i = 0; i < 3; i++) await ledger.end(project)
    const usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 2 ** 40 }
    await ledger.end(project, { usage })
    for (let i = 0; i < 3; i++) await ledger.end(project)
    await using writer = await startWriter(nats.url('g1'), into(db))
    await vi.waitFor(async () => expect(await ledger.unwritten()).toBe(0), SOON)
    expect(writer.counts).toMatchObject({ written: 6, unwritable: 1 })
    expect(await sumsOf(db, project)).toEqual({ rows: [6, 120], hours: [6, 120] })
  })

  test('is counted without the words that a database refuses', async ({
    nats,
    db,
    ledger,
    project,
    expect,
  }) => {
    await db.execute(sql`alter table usage add constraint odd check ("user" <> 'odd')`)
    onTestFinished(async () => {
      await db.execute(sql`alter table usage drop constraint odd`)
    })
    await ledger.end(project, { user: 'ana' })
    const odd = await ledger.end(project, { user: 'odd' })
    await using writer = await startWriter(nats.url('g1'), into(db))
    await vi.waitFor(async () => expect(await ledger.unwritten()).toBe(0), SOON)
    expect(writer.counts).toMatchObject({ written: 2, unwritable: 0 })
    expect(await rowsOf(db, project)).toMatchObject([
      { user: 'ana' },
      { job: odd, user: null, model: 'echo-20-0-0', completionTokens: 20 },
    ])
    expect(await sumsOf(db, project)).toEqual({ rows: [2, 40], hours: [2, 40] })
  })

  test('before anybody computed it is a row of no tokens', async ({
    nats,
    db,
    ledger,
    project,
    desk,
    expect,
  }) => {
    await using writer = await startWriter(nats.url('g1'), into(db))
    const stop = new AbortController()
    const answer = read(
      await desk.ask({ ...echoJob(desk), tenant: project }, { signal: stop.signal }),
    )
    stop.abort()
    await answer.catch(() => undefined)
    await vi.waitFor(async () => expect(await rowsOf(db, project)).toHaveLength(1), SOON)
    expect(await rowsOf(db, project)).toMatchObject([
      { outcome: 'cancelled', firstTokenMs: null, completionTokens: 0, workers: [] },
    ])
    expect(await ledger.unwritten()).toBe(0)
    expect(writer.counts.written).toBe(1)
  })
})
