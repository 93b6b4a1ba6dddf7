import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test as base } from 'vitest'
import { sampleHistory } from './check/sample-history.ts'
import type { HistoryEvent } from './history.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

const lastLineOf = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

/** `chaos --check` on these events, as a process of its own. */
const test = base.extend('judged', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'june-chaos-'))
  onCleanup(() => rm(dir, { recursive: true }))
  return async (events: readonly HistoryEvent[]) => {
    const file = join(dir, 'history.jsonl')
    await writeFile(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    return new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = execFile(process.execPath, [MAIN, '--check', file, '--json'], (_, out) => {
        resolve({ code: child.exitCode, out })
      })
    })
  }
})

describe('chaos --check', () => {
  test('ends with 0 and its figures where every invariant holds', async ({ judged, expect }) => {
    const { code, out } = await judged(sampleHistory())
    expect(code).toBe(0)
    expect(JSON.parse(lastLineOf(out))).toEqual({
      streams: 4,
      faults: expect.any(Number) as number,
      migrations: 1,
      lost: 0,
      duplicated: 0,
      wrong: 0,
      fenced: 1,
      gapMs: { p50: 10, p99: 10, max: 10 },
      cancelToFreeMs: { p99: 4 },
      leftBehind: 0,
    })
  })

  test('ends with 1 where one does not, and says which', async ({ judged, expect }) => {
    const { code, out } = await judged(sampleHistory().filter(({ type }) => type !== 'stream'))
    expect(code).toBe(1)
    expect(out).toMatch(/^I5 .*DOES NOT HOLD$/m)
    expect(out).toMatch(/^I1 .*holds$/m)
  })

  test('ends with 1 on a file that was cut off', async ({ judged, expect }) => {
    expect((await judged(sampleHistory().slice(0, -1))).code).toBe(1)
    expect((await judged([])).code).toBe(1)
  })
})
