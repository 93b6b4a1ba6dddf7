import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { processesWith } from './testing/processes.ts'
import { ANY_PORT } from './testing/start-stack.ts'

const BOOTSTRAP = fileURLToPath(new URL('bootstrap.mjs', import.meta.url))

interface Started {
  child: ChildProcess
  said: () => string
  /** What runs because of it, itself too. */
  alive: () => Promise<Map<number, string>>
}

async function bootstrap(...args: string[]): Promise<Started> {
  const dir = await mkdtemp(join(tmpdir(), 'june-boot-'))
  const child = spawn(process.execPath, [BOOTSTRAP, ...args], {
    env: { ...process.env, ...ANY_PORT, JUNE_DATA_DIR: dir, JUNE_ECHO: '1', JUNE_MODELS: 'none' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  const alive = () => processesWith(`JUNE_DATA_DIR=${dir}\0`)
  onTestFinished(async () => {
    for (const pid of (await alive()).keys()) process.kill(pid, 'SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  return { child, said: () => said, alive }
}

async function up(): Promise<Started> {
  const started = await bootstrap('start')
  await expect.poll(started.said, { timeout: 60_000 }).toContain('June is up')
  return started
}

describe('the bootstrap', { timeout: 120_000 }, () => {
  test('that is killed takes the launcher and all of June along', async () => {
    const { child, alive } = await up()
    expect((await alive()).size).toBe(6)
    child.kill('SIGKILL')
    await expect.poll(async () => [...(await alive()).values()], { timeout: 8_000 }).toEqual([])
  })

  test('hands on Ctrl-C, and ends as June does', async () => {
    const { child, said, alive } = await up()
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    expect(said()).toContain('everything has ended')
    expect((await alive()).size).toBe(0)
  })

  test('hands back the exit code, and says what it can do', async () => {
    const wrong = await bootstrap('start', '--egde')
    expect(await once(wrong.child, 'close')).toEqual([1, null])
    expect(wrong.said()).toContain('June does not know --egde')
    const unknown = await bootstrap('constructor')
    expect(await once(unknown.child, 'close')).toEqual([1, null])
    expect(unknown.said()).toContain('start|start-edge|june|test|bench|chaos|check')
  })
})
