/*
 *  One block of an answer of vectors: 32 bit floats, little endian, nothing around them. OpenAI's base64 is of the same.
 *  An embedding is one of them for each input, and a ranking one of a single float for each document.
 */
const FLOAT_BYTES = 4

export function encodeVector(vector: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(vector.length * FLOAT_BYTES)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < vector.length; i++) view.setFloat32(i * FLOAT_BYTES, vector[i] ?? 0, true)
  return bytes
}

/** Throws a `RangeError` where the bytes are no floats, or there are none. */
export function decodeVector(bytes: Uint8Array): number[] {
  if (bytes.byteLength === 0 || bytes.byteLength % FLOAT_BYTES !== 0)
    throw new RangeError(`${bytes.byteLength} bytes are no vector.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength / FLOAT_BYTES }, (_, i) =>
    view.getFloat32(i * FLOAT_BYTES, true),
  )
}

/** Of length 1, so that a dot product is a cosine. A vector of zeros stays what it is. */
export function normalised(vector: ArrayLike<number>): Float32Array {
  const out = Float32Array.from(vector)
  let sum = 0
  for (const value of out) sum += value * value
  if (sum === 0) return out
  const length = Math.sqrt(sum)
  return out.map((value) => value / length)
}
