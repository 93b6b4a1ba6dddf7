/** Draws that are a pure function of the seed: the same run is planned on every machine. */
export class Draw {
  #state: number

  constructor(seed: number, purpose: string) {
    this.#state = seed >>> 0
    // Streams and faults draw apart: one more stream must not move a fault.
    for (const char of purpose) this.#state = mix(this.#state ^ (char.codePointAt(0) ?? 0))
  }

  /** At least 0 and below 1. */
  share(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0
    return mix(this.#state) / 2 ** 32
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.share() * (to - from + 1))
  }

  chance(share: number): boolean {
    return this.share() < share
  }

  oneOf<T>(all: readonly [T, ...T[]]): T {
    return all[this.whole(0, all.length - 1)] ?? all[0]
  }
}

/** The finaliser of MurmurHash3 (public domain). */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
