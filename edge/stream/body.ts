/** Far below any proxy's patience: a runtime that hears of a hang-up only when it writes hears of it this soon. */
const KEEP_ALIVE_MS = 1_000
/** The one form of comment that every client's parser survives (openai-python loses its stream on `: ping`). */
export const KEEP_ALIVE_LINE = ':\n'
const KEEP_ALIVE = new TextEncoder().encode(KEEP_ALIVE_LINE)

/** The opening waits this long for the first words: a packet less where they come at once. */
const OPENING_MS = 10

interface BodyOptions {
  /** Sent once, first, with what the source says at once or by itself. */
  opening: Uint8Array
  onHangup: () => void
}

/**
 * An event stream's body. It is pulled: a client that stops reading stops the source, and one that hangs up calls
 * `onHangup`, which is how a job hears that no one is listening.
 */
export function bodyOf(
  source: AsyncIterable<Uint8Array>,
  { opening, onHangup }: BodyOptions,
): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let unopened = true
  let idle = true
  let keeping: ReturnType<typeof setInterval> | undefined
  let waiting: ReturnType<typeof setTimeout> | undefined
  const stop = (): void => {
    clearTimeout(waiting)
    clearInterval(keeping)
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      waiting = setTimeout(() => {
        if (unopened) say(controller, opening)
        unopened = false
        keeping = setInterval(() => {
          // Nobody catches what a timer throws, and a stream that failed takes no more: it says so with `null`.
          if (controller.desiredSize === null) stop()
          else if (idle && controller.desiredSize >= 0) say(controller, KEEP_ALIVE)
          idle = true
        }, KEEP_ALIVE_MS)
      }, OPENING_MS)
    },
    async pull(controller) {
      try {
        const { done, value } = await iterator.next()
        idle = false
        if (done) {
          stop()
          if (unopened) controller.enqueue(opening)
          controller.close()
          return
        }
        controller.enqueue(unopened ? joined(opening, value) : value)
        unopened = false
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

  function say(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
    try {
      controller.enqueue(bytes)
    } catch {
      stop()
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength)
  both.set(a)
  both.set(b, a.byteLength)
  return both
}
