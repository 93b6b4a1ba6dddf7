/** One draw from the system serves some hundred ids: a draw costs microseconds, however few bytes are asked for. */
const POOL_BYTES = 4_096

let pool = new Uint8Array(0)
let used = 0

/** Bytes from the system's generator, each given out once. At most 256 at a time; nobody else sees them. */
export function randomBytes(count: number): Uint8Array {
  if (used + count > pool.byteLength) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES))
    used = 0
  }
  used += count
  return pool.subarray(used - count, used)
}

/** An integer of 0 to 2 ** 32 - 1. */
export function randomU32(): number {
  const bytes = randomBytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}
