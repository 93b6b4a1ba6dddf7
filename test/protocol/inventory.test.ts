import { describe, vi } from 'vitest'
import { openDesk, test } from './desk-fixture.ts'
import { HandWorker } from './hand-worker.ts'

/** What changes is written once a second. */
const PATIENT = { timeout: 5_000, interval: 50 }

describe('the inventory', () => {
  test('of workers that are gone is known to a gateway that starts after them', async ({
    nats,
    desk,
    expect,
  }) => {
    const worker = await HandWorker.connect(nats.url('w1'))
    const offering = {
      kind: 'chat' as const,
      queue: 'kept',
      models: ['kept'],
      slots: 1,
      free: 1,
      contextTokens: 4_096,
      stepMs: 0,
      createdAtMs: 7,
    }
    worker.stopBeating()
    await vi.waitUntil(async () => {
      worker.beat([offering])
      return (await written(desk.desk.jsm)).includes('"kept"')
    }, PATIENT)
    await worker[Symbol.asyncDispose]()
    await using later = await openDesk(nats.url('g2'))
    const known = (await later.list()).filter(({ id }) => id === 'kept')
    expect(known).toEqual([{ id: 'kept', kind: 'chat', createdAtMs: 7, contextTokens: 4_096 }])
  })
})

type Manager = Awaited<ReturnType<typeof openDesk>>['desk']['jsm']

async function written(jsm: Manager): Promise<string> {
  const last = await jsm.direct.getMessage('KV_workers', { last_by_subj: '$KV.workers.w1' })
  return last?.string() ?? ''
}
