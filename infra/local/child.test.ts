import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { stateOf } from '../testing/processes.ts'
import { ChildLog } from './child-log.ts'
import { Child, type ChildSpec } from './child.ts'

const TELLS = `process.send({ type: 'ready', url: 'http://127.0.0.1:1' }); setInterval(() => {}, 1000);`

let dir: string
const heard: string[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'june-child-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  heard.length = 0
})

async function childOf(code: string, ready: ChildSpec['ready'] = 'tells'): Promise<Child> {
  const main = join(dir, 'main.cjs')
  await writeFile(main, code)
  const spec: ChildSpec = { name: 'x', command: [process.execPath, main], env: {}, ready }
  const child = new Child(spec, new ChildLog(join(dir, 'x.log')), {
    changed: ({ running }) => heard.push(running ? 'up' : 'down'),
    progress: (_, text) => heard.push(text),
    died: (_, how, delayMs) => heard.push(`${how}, again in ${delayMs} ms`),
    line: () => {},
  })
  onTestFinished(async () => {
    child.kill()
    await child.stop(0)
  })
  return child
}

const pidOf = (child: Child): number => child.running?.pid ?? -1

describe('a child', () => {
  test('is up once it says so, and is started again within a second of its death', async () => {
    const child = await childOf(`process.send({ type: 'progress', text: 'hm' }); ${TELLS}`)
    await child.start()
    expect(heard).toEqual(['hm', 'up'])
    const first = pidOf(child)
    const killedMs = performance.now()
    process.kill(first, 'SIGKILL')
    await expect
      .poll(() => heard.slice(2), { timeout: 5_000, interval: 5 })
      .toEqual(['down', 'SIGKILL, again in 100 ms', 'hm', 'up'])
    expect(performance.now() - killedMs).toBeLessThan(1_000)
    expect(pidOf(child)).not.toBe(first)
  })

  test('without a channel is up once it answers', async () => {
    let asked = 0
    const up = () => Promise.resolve(++asked === 3)
    const child = await childOf('setInterval(() => {}, 1000)', { url: 'nats://x', up })
    await child.start()
    expect(child.running?.url).toBe('nats://x')
    expect(asked).toBe(3)
  })

  test('that never comes up is given up, with its last words', async () => {
    const child = await childOf(`console.error('no such model'); process.exit(3)`)
    const error = await child.start().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      message: 'x does not start: it ended 3 times, last with exit code 3.',
      remedy: expect.stringContaining('no such model'),
    })
  })

  test('that is told to end and does not is killed, frozen or deaf', async () => {
    const child = await childOf(`process.on('SIGTERM', () => {}); ${TELLS}`)
    await child.start()
    const pid = pidOf(child)
    process.kill(pid, 'SIGSTOP')
    await expect.poll(() => stateOf(pid)).toBe('T')
    await child.stop(performance.now() + 200)
    expect(await stateOf(pid)).toBeUndefined()
    expect(heard).not.toContain('SIGKILL, again in 100 ms')
  })

  test('logs to a file that keeps its bound, and the run before', async () => {
    const file = join(dir, 'y.log')
    const before = new ChildLog(file)
    before.write('the run before')
    before.close()
    const log = new ChildLog(file)
    const line = 'x'.repeat(1_000_000)
    for (let i = 0; i < 20; i++) log.write(line)
    log.close()
    expect((await readFile(file)).byteLength).toBeLessThan(10_000_000)
    expect((await readFile(`${file}.1`)).byteLength).toBeLessThan(10_000_000)
    expect(log.tail).toHaveLength(20)
  })
})
