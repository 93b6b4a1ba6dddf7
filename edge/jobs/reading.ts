import { cutFrame, frameHead } from '../../proto/frame.ts'
import type { Answer } from '../ports.ts'
import type { Over } from './tape.ts'

/** Where an answer is read from: this gateway's own, another's, or what was kept of it. */
export interface Source {
  /** Accepted frames in order, from a position on; then how it ended, or that it moved. */
  take: () => Promise<readonly Uint8Array[] | Over>
  /** The reader came back for more, and has everything before this position. */
  reached?: (position: number) => void
  leave: () => void
}

interface ReadOptions {
  from: number
  signal: AbortSignal
  /** Finds the answer again, from a position on. */
  elsewhere: (position: number) => Promise<Source>
}

/**
 * One reader of one answer, wherever that is: it follows when the answer moves to another gateway. An iterator by hand: a
 * generator takes three turns of the microtask queue for each batch, and this is one of every token's steps.
 */
export function readOn(first: Source, { from, signal, elsewhere }: ReadOptions): Answer {
  let source = first
  let position = from
  let given = false
  let left = false
  const leave = (): void => {
    if (left) return
    left = true
    source.leave()
  }
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()

  async function next(): Promise<IteratorResult<readonly Uint8Array[], undefined>> {
    if (given) source.reached?.(position)
    given = false
    try {
      for (;;) {
        const took = await source.take()
        if (isFrames(took)) {
          for (const frame of took) position += frameHead(frame)?.count ?? 0
          given = true
          return { done: false, value: took }
        }
        if (took.moved && !left) {
          source.leave()
          source = await elsewhere(position)
          if (!left) continue
          // Its reader went while it was looked for.
          source.leave()
          return { done: true, value: undefined }
        }
        leave()
        if (took.failure) throw took.failure
        return { done: true, value: undefined }
      }
    } catch (thrown) {
      leave()
      throw thrown
    }
  }
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      return: () => {
        leave()
        return Promise.resolve({ done: true, value: undefined })
      },
    }),
  }
}

export const isFrames = (took: readonly Uint8Array[] | Over): took is readonly Uint8Array[] =>
  Array.isArray(took)

/** What of these frames lies at or after a position, cut inside a frame where the position does. */
export function restOf(frames: readonly Uint8Array[], position: number): readonly Uint8Array[] {
  const rest: Uint8Array[] = []
  for (const frame of frames) {
    const head = frameHead(frame)
    if (!head) continue
    // What has no position of its own, the end among it, is always of the rest.
    if (head.count === 0 || head.seq >= position) rest.push(frame)
    else if (head.seq + head.count > position) rest.push(cutFrame(frame, position - head.seq))
  }
  return rest
}

/** The same of a source: batches that are wholly before the position are left out. */
export function startingAt(source: Source, position: number): Source {
  if (position === 0) return source
  return {
    ...source,
    async take() {
      for (;;) {
        const took = await source.take()
        if (!isFrames(took)) return took
        const rest = restOf(took, position)
        if (rest.length > 0) return rest
      }
    },
  }
}
