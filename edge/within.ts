import { Failure } from '../proto/failure.ts'

/** The same promise, given up after `ms`: what is asked of a frozen server never ends by itself. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooLate(ms)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

export class TooLate extends Failure {
  constructor(ms: number) {
    const cause = new Error(`no answer within ${ms} ms`)
    const message = 'A part of June does not answer at the moment. Try again soon.'
    super('unavailable', message, { cause, retryAfterMs: 2_000 })
  }
}
