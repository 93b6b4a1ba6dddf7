import { Failure, type FailureBody } from '../../proto/failure.ts'

/** What an object answers. A failure crosses as data: a cloned `Failure` is no longer one. */
export type Reply<T> =
  | { ok: true; value: T }
  | { ok: false; failure: FailureBody; retryAfterMs: number | undefined }

/** Runs an object's method: whatever it throws becomes data. */
export async function reply<T>(run: () => Promise<T>): Promise<Reply<T>> {
  try {
    return { ok: true, value: await run() }
  } catch (thrown) {
    const failure = Failure.from(thrown)
    return { ok: false, failure: failure.toJSON(), retryAfterMs: failure.retryAfterMs }
  }
}

/** The caller's half. An object that does not answer is as good as a broker that is away. */
export async function valueOf<T>(asked: Promise<Reply<T>>): Promise<T> {
  const answer = await asked.catch((cause: unknown) => {
    throw new Failure('unavailable', 'The gateway is starting again. Try again in a moment.', {
      cause,
      retryAfterMs: 1_000,
    })
  })
  if (answer.ok) return answer.value
  const { code, message, param } = answer.failure
  throw new Failure(code, message, {
    ...(param === null ? {} : { param }),
    ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
  })
}
