import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './observer.ts'
import type { Order } from './order.ts'

/** Threads are numbered as a worker makes them: 0 is its main thread, its engines come after. */
export const MAIN_THREAD = 0
export const ECHO_THREAD = 1

export interface Injector extends AsyncDisposable {
  /** For the launcher, and so for the workers it starts. */
  env: Record<string, string>
  /** Resolves once the thread itself has said that it does as it was told; `over` once it goes on. */
  strike: (
    worker: { id: string; pid: number },
    order: Omit<Order, 'proof' | 'forMs'> & { forMs?: number },
  ) => Promise<{ over: () => Promise<void> }>
}

const FIXTURE = fileURLToPath(new URL('inject.fixture.ts', import.meta.url))

/** A way to do things to single threads of a worker, which no signal can. */
export async function openInjector(): Promise<Injector> {
  const dir = await mkdtemp(join(tmpdir(), 'june-inject-'))
  let count = 0
  return {
    env: { JUNE_FAULTS: dir, NODE_OPTIONS: `--import=${FIXTURE}` },
    strike: async ({ id, pid }, order) => {
      const proof = join(dir, `proof-${++count}`)
      await writeFile(join(dir, `${id}.json`), JSON.stringify({ ...order, proof }))
      process.kill(pid, 'SIGUSR2')
      const said = (line: string) => async (): Promise<boolean> =>
        (await readFile(proof, 'utf8').catch(() => '')).includes(`${line}\n`)
      await until(`${order.action} of thread ${order.thread} of ${id}`, said(order.action))
      return { over: async () => void (await until(`the end of it in ${id}`, said('over'))) }
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
