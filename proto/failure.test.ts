import { describe, expect, test } from 'vitest'
import { Failure } from './failure.ts'

const after = (retryAfterMs: number) => new Failure('rate_limited', '', { retryAfterMs })

describe('a failure', () => {
  test('lets a client try again by itself only when it may work while the client waits', () => {
    expect(after(60_000).shouldRetry).toBe(true)
    expect(after(60_001).shouldRetry).toBe(false)
  })

  test('lets no client send again by itself what killed two workers', () => {
    expect(new Failure('poisoned', '').shouldRetry).toBe(false)
    expect(new Failure('internal', '').shouldRetry).toBeUndefined()
  })
})
