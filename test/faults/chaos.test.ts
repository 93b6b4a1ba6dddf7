import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test as base } from 'vitest'
import { chaos } from '../../chaos/chaos.ts'
import { check, type Verdict } from '../../chaos/check/check.ts'
import { readHistory } from '../../chaos/history-file.ts'
import type { Params } from '../../chaos/plan/params.ts'

const RUN: Params = {
  seed: 1,
  streams: 30,
  minutes: 0.25,
  workers: 4,
  gateways: 2,
  faults: ['workers', 'gateways'],
  resumable: 0.5,
  fenced: true,
}
const RUN_MS = 180_000

const test = base.extend('verdictOn', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'june-chaos-'))
  onCleanup(() => rm(dir, { recursive: true }))
  return async (params: Params): Promise<Verdict> => {
    const file = join(dir, 'history.jsonl')
    await chaos(params, { file })
    return check(await readHistory(file))
  }
})

describe('a run with workers and gateways killed and frozen', { timeout: RUN_MS }, () => {
  test('keeps every invariant', async ({ verdictOn, expect }) => {
    const { violations, damage, figures } = await verdictOn(RUN)
    expect(violations).toEqual([])
    expect(damage).toEqual({ lost: 0, duplicated: 0, wrong: 0 })
    // It was a run that could have gone wrong.
    expect(figures.migrations).toBeGreaterThan(0)
    expect(figures.fenced).toBeGreaterThan(0)
  })

  test('does not without the fence', async ({ verdictOn, expect }) => {
    const { violations, damage } = await verdictOn({ ...RUN, fenced: false })
    expect(damage.wrong).toBeGreaterThan(0)
    expect(new Set(violations.map(({ invariant }) => invariant))).toContain('I4')
  })
})
