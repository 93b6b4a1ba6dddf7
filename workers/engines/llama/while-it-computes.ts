import { setTimeout } from 'node:timers/promises'
import type { Output } from '../../../proto/frame.ts'

const PROGRESS_EVERY_MS = 100
/** What takes longer than this for one text is stuck: then it may be called silent. */
const LONGEST_MS = 120_000

/** Waits for a step that cannot be cut short, and says meanwhile that the job lives. */
export async function* whileItComputes<T>(
  step: Promise<T>,
  at: { done: number; total: number },
): AsyncGenerator<Output, T> {
  const over = new AbortController()
  const settled = step.finally(() => over.abort())
  settled.catch(() => {})
  try {
    for (let spentMs = 0; spentMs < LONGEST_MS && !over.signal.aborted;) {
      await setTimeout(PROGRESS_EVERY_MS, undefined, { signal: over.signal }).catch(() => {})
      spentMs += PROGRESS_EVERY_MS
      if (!over.signal.aborted) yield { kind: 'progress', ...at }
    }
    return await settled
  } finally {
    // Whoever leaves leaves the model as it was: nothing of this is under way any more.
    await settled.catch(() => {})
  }
}
