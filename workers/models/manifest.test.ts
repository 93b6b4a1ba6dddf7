import { readFile } from 'node:fs/promises'
import { test } from 'vitest'
import { Manifest } from './manifest.ts'

const text = await readFile(
  new URL('../../models/june-chat/manifest.json', import.meta.url),
  'utf8',
)
const { replay, ...manifest } = JSON.parse(text) as Record<string, unknown>

test('a manifest that says nothing of replay means by prefill', ({ expect }) => {
  expect(replay).toBe('one-by-one')
  expect(Manifest.parse(manifest)).toMatchObject({ replay: 'prefill' })
})

test('a manifest that says it by the old name is refused, and told the new one', ({ expect }) => {
  const { error } = Manifest.safeParse({ ...manifest, exact: true })
  expect(error?.issues[0]).toMatchObject({
    path: ['exact'],
    message: expect.stringContaining('"replay": "one-by-one"'),
  })
})
