import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once the claim holds; fails after `withinMs` with what it last was. Answers how long it took. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<number> {
  const startMs = performance.now()
  while (!(await holds())) {
    if (performance.now() - startMs > withinMs)
      throw new Error(`It was still not so after ${withinMs} ms: ${holds.toString()}`)
    await sleep(10)
  }
  return performance.now() - startMs
}
