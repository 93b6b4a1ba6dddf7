import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { KeyId } from '../../proto/ids.ts'
import { keyOf } from '../auth/key-of.ts'
import { MemoryLimiter } from './memory-limiter.ts'

const key = keyOf({ id: 'key_1' as KeyId, scope: 'developer', requestsPerMinute: 60 })

describe('the limits of one process', () => {
  test('do not hear of a wall clock that is set back or forward', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000_000 })
    onTestFinished(() => void vi.useRealTimers())
    const limiter = new MemoryLimiter()
    for (let i = 0; i < 60; i++) expect(limiter.take(key).ok).toBe(true)
    vi.setSystemTime(0)
    expect(limiter.take(key).retryMs).toBeLessThanOrEqual(1_000)
    vi.setSystemTime(2_000_000_000)
    expect(limiter.take(key).ok).toBe(false)
  })
})
