import { setImmediate, setTimeout } from 'node:timers/promises'

/** Waits for a moment of `performance.now()`, or for the next turn of the event loop where it has passed. */
export async function sleepUntil(dueMs: number, signal: AbortSignal): Promise<void> {
  const leftMs = dueMs - performance.now()
  await rethrown(
    leftMs > 0 ? setTimeout(leftMs, undefined, { signal }) : setImmediate(undefined, { signal }),
    signal,
  )
}

/** Node's timers throw an AbortError of their own; callers are promised the signal's reason. */
async function rethrown(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await wait
  } catch (thrown) {
    signal.throwIfAborted()
    throw thrown
  }
}
