/**
 * Several sources as one, each thing with the number of its source, as they come. What one throws ends all; whoever stops
 * reading stops all.
 */
export async function* interleave<T>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<readonly [index: number, value: T]> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]())
  const next = async (index: number) => ({ index, read: await iterators[index]?.next() })
  const waiting = new Map(iterators.map((_, index) => [index, next(index)]))
  try {
    while (waiting.size > 0) {
      const { index, read } = await Promise.race(waiting.values())
      if (!read || read.done) {
        waiting.delete(index)
        continue
      }
      yield [index, read.value]
      waiting.set(index, next(index))
    }
  } finally {
    // One that waits for its next thing would not hear of it before that has come.
    for (const [index, left] of waiting) {
      left.catch(() => undefined)
      void iterators[index]?.return?.().catch(() => undefined)
    }
  }
}
