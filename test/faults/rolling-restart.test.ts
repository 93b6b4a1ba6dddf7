import { until } from './observer.ts'
import { start, wrongAmong, type Running } from './running.ts'
import { pidOf, stateOf, testWith } from './stack.ts'

const WORKERS = ['w1', 'w2', 'w3']
const test = testWith({ workers: WORKERS.length, env: { JUNE_MODELS: 'none' } })

test.beforeAll(({ observer }) => observer.up(WORKERS))

test('a rolling restart of all workers under load is seen by no client', async ({
  stack,
  openai,
  observer,
  expect,
}) => {
  const nonces = WORKERS.map((id) => observer.beatOf(id)?.nonce)
  const running: Running[] = []
  let seed = 400
  const restarted = new AbortController()
  const load = async (): Promise<void> => {
    while (!restarted.signal.aborted) {
      const one = await start(openai, { model: 'echo-60-10-0', seed: seed++ })
      running.push(one)
      await one.seen(10)
    }
  }
  const loading = Promise.all([load(), load(), load(), load()])
  for (const id of WORKERS) {
    const pid = await pidOf(stack, id)
    process.kill(pid, 'SIGTERM')
    await until('its end', async () => [undefined, 'Z'].includes(await stateOf(pid)))
    await observer.up([id])
  }
  restarted.abort()
  await loading
  expect(running.length).toBeGreaterThan(20)
  expect(await wrongAmong(running, 60)).toEqual([])
  for (const [i, id] of WORKERS.entries()) expect(observer.beatOf(id)?.nonce).not.toBe(nonces[i])
  await observer.idle(WORKERS)
})
