import { expect, test } from 'vitest'
import { newJobId, type JobId } from '../../proto/ids.ts'
import { MAX_JOB_BYTES } from '../../proto/job.ts'
import type { Looked, Responses } from '../ports.ts'
import { itemsOf } from './input-items.ts'
import { MAX_REFERRED, referredBy } from './referred.ts'
import { settingsOf } from './response-object.ts'

/** Responses that were asked one thing each, and how they were looked up. */
function storeOf(said: string) {
  const looks: JobId[] = []
  const counts = { now: 0, most: 0 }
  const look: Responses['look'] = async (id, tenant): Promise<Looked> => {
    looks.push(id)
    counts.most = Math.max(counts.most, ++counts.now)
    await new Promise((done) => setImmediate(done))
    counts.now--
    const settings = settingsOf({ model: 'm', input: said })
    const input = itemsOf(
      { input: [0, 1].map(() => ({ type: 'message', role: 'user', content: said })) },
      id,
      new Map(),
    )
    const asked = { id, tenant, createdAtMs: 0, deadlineAtMs: 0, ancestors: [], input, settings }
    return { asked, fate: { state: 'queued' } }
  }
  return { looks, counts, look }
}

const itemOf = (job: JobId, at = 0): string => `msg_${job.slice(4)}_i${at}`
const asking = (ids: readonly string[]) => ({
  input: ids.map((id) => ({ type: 'item_reference' as const, id })),
})
const jobs = (count: number): JobId[] => Array.from({ length: count }, () => newJobId())

test('a response that is referred to a thousand times is read once', async () => {
  const store = storeOf('hi')
  const [job = newJobId()] = jobs(1)
  const ids = Array.from({ length: 1_000 }, (_, i) => itemOf(job, i % 2))
  const items = await referredBy(asking(ids), 'p', store)
  expect([...items.keys()]).toEqual([itemOf(job, 0), itemOf(job, 1)])
  expect(store.looks).toEqual([job])
})

test('as many responses as may be are read a few at a time', async () => {
  const store = storeOf('hi')
  const all = jobs(MAX_REFERRED)
  const items = await referredBy(asking(all.map((job) => itemOf(job))), 'p', store)
  expect(items.size).toBe(MAX_REFERRED)
  expect(store.looks).toEqual(all)
  expect(store.counts.most).toBe(4)
})

test('one response more is refused before any is read', async () => {
  const store = storeOf('hi')
  const ids = jobs(MAX_REFERRED + 1).map((job) => itemOf(job))
  await expect(referredBy(asking(ids), 'p', store)).rejects.toMatchObject({
    code: 'invalid',
    param: 'input',
  })
  expect(store.looks).toEqual([])
})

test('reading stops where the items are more than a job can be', async () => {
  const store = storeOf('x'.repeat(MAX_JOB_BYTES / 4))
  const ids = jobs(40).map((job) => itemOf(job))
  await expect(referredBy(asking(ids), 'p', store)).rejects.toMatchObject({
    code: 'too_large',
    param: 'input',
  })
  expect(store.looks).toHaveLength(4)
})

test('an item counts as often as it is named', async () => {
  const store = storeOf('x'.repeat(MAX_JOB_BYTES / 4))
  const id = itemOf(newJobId())
  await expect(referredBy(asking([id, id, id]), 'p', store)).resolves.toHaveProperty('size', 1)
  await expect(referredBy(asking([id, id, id, id]), 'p', store)).rejects.toMatchObject({
    code: 'too_large',
  })
})
