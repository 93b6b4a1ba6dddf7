/** Far below any proxy's patience: a runtime that hears of a hang-up only when it writes hears of it this soon. */
const KEEP_ALIVE_MS = 1_000
/** The one form of comment that every client's parser survives (openai-python loses its stream on `: ping`). */
export const KEEP_ALIVE_LINE = ':\n'
const KEEP_ALIVE = new TextEncoder().encode(KEEP_ALIVE_LINE)

/**
 * An event stream's body. It is pulled: a client that stops reading stops the source, and one that hangs up calls
 * `onHangup`, which is how a job hears that no one is listening.
 */
export function bodyOf(
  source: AsyncIterable<Uint8Array>,
  onHangup: () => void,
): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let timer: ReturnType<typeof setInterval> | undefined
  let idle = true
  const stop = (): void => clearInterval(timer)
  return new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        // Nobody catches what a timer throws, and a stream that failed takes no more: it says so with `null`.
        if (controller.desiredSize === null) stop()
        else if (idle && controller.desiredSize >= 0) keepAlive(controller)
        idle = true
      }, KEEP_ALIVE_MS)
    },
    async pull(controller) {
      try {
        const { done, value } = await iterator.next()
        idle = false
        if (!done) {
          controller.enqueue(value)
          return
        }
        stop()
        controller.close()
      } catch (thrown) {
        stop()
        throw thrown
      }
    },
    cancel() {
      stop()
      onHangup()
    },
  })

  function keepAlive(controller: ReadableStreamDefaultController<Uint8Array>): void {
    try {
      controller.enqueue(KEEP_ALIVE)
    } catch {
      stop()
    }
  }
}
