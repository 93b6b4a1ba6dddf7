import { monotonicMs } from '../clock.ts'
import { GONE_MS } from './gateways.ts'

/** A gateway whose loop stood still for longer than this may have been thought gone. */
export const DOUBT_MS = 500

/**
 * Whether we were here all the time. What comes in after a standstill or a cut connection is heard before the clock tells
 * of it, so whoever acts on it asks first.
 */
export class Pulse {
  #tickedAtMs = monotonicMs()
  #echoAtMs = monotonicMs()

  ticked(nowMs: number): void {
    this.#tickedAtMs = nowMs
  }

  /** Our own beat came back from the broker. */
  echoed(nowMs: number): void {
    this.#echoAtMs = nowMs
  }

  /** The connection ended: whatever is heard next comes after a time in which we heard nothing. */
  expire(): void {
    this.#echoAtMs = Number.NEGATIVE_INFINITY
  }

  /** Whether others may have taken over what is ours. Says so once for each time that we were away. */
  takeDoubt(nowMs: number): boolean {
    if (nowMs - this.#tickedAtMs <= DOUBT_MS && nowMs - this.#echoAtMs <= GONE_MS) return false
    this.#tickedAtMs = this.#echoAtMs = nowMs
    return true
  }
}
