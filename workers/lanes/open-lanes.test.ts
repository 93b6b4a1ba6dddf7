import { copyFile, mkdir, mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test as base, vi } from 'vitest'
import type { Lane } from './lane.ts'
import { openLanes, type LaneSettings } from './open-lanes.ts'

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url))
const GGUF = 'june-chat-2M-Q8_0.gguf'

const settings: LaneSettings = {
  modelDirs: [MODELS],
  models: 'all',
  echo: true,
  echoSlots: 3,
  gpu: 'cpu',
  pace: true,
}

const test = base.extend('broken', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'june-models-'))
  onCleanup(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'june-chat'))
  for (const file of ['manifest.json', GGUF])
    await copyFile(join(MODELS, 'june-chat', file), join(dir, 'june-chat', file))
  await truncate(join(dir, 'june-chat', GGUF), 100)
  return dir
})

async function opened(
  change: Partial<LaneSettings>,
  use: (lanes: Lane[], said: string[]) => unknown,
) {
  const report = vi.fn<(text: string) => void>()
  const lanes = await openLanes({ ...settings, ...change }, report)
  try {
    await use(lanes, report.mock.calls.flat())
  } finally {
    for (const lane of lanes) await lane[Symbol.asyncDispose]()
  }
}

const queues = (lanes: Lane[]) =>
  lanes.map((lane) => `${lane.offering().kind} ${lane.offering().queue}`)

describe('open lanes', () => {
  test('serve the echoes and every model there is', async ({ expect }) => {
    await opened({}, (lanes, said) => {
      expect(queues(lanes)).toEqual(['chat echo', 'duplex echo', 'chat june-chat'])
      expect(lanes[2]?.offering()).toMatchObject({ slots: 4, free: 4, contextTokens: 1024 })
      expect(lanes[2]?.offering().stepMs).toBeGreaterThanOrEqual(25)
      expect(said).toHaveLength(3)
    })
  })

  test('serve only what was asked for', async ({ expect }) => {
    await opened({ models: ['nothing'], echo: false }, (lanes, said) => {
      expect(lanes).toEqual([])
      expect(said).toEqual([expect.stringContaining('nothing: left out.')])
    })
  })

  test('leave out a model that is broken, and say why', async ({ broken, expect }) => {
    await opened({ modelDirs: [broken] }, (lanes, said) => {
      expect(queues(lanes)).toEqual(['chat echo', 'duplex echo'])
      expect(said).toContainEqual(expect.stringMatching(/june-chat: left out\. .* has 100\./))
    })
  })
})
