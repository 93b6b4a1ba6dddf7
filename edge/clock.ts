/** Resolves after `ms` milliseconds, in either runtime. */
export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    globalThis.setTimeout(resolve, ms)
  })

/** Milliseconds that only go forward: for how long, never for when. The wall clock may be set back by an hour. */
export const monotonicMs = (): number => performance.now()
