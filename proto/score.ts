import { Failure } from './failure.ts'

/** A token as its model names it, and the natural logarithm of its probability, as a 32 bit float. */
export interface Likelihood {
  /** Its bytes, which may be a part of a character; of a token that is no text, such as a control token, its name. */
  bytes: Uint8Array
  isText: boolean
  logprob: number
}

/** How likely the token of a position was. `top` are the likeliest tokens there, the likeliest first. */
export interface Score {
  token: Likelihood
  top: readonly Likelihood[]
}

/*
 *  0     1
 *  +-----+------------- - -
 *  | top | (1 + top) x { logprob f32, size u16, bytes }     the token itself comes first; all big endian
 *  +-----+------------- - -
 *  The highest bit of `size` says that the bytes are a name and no text.
 */
const HEAD_BYTES = 6
const NAME_BIT = 0x8000
/** No token has more bytes; what would is cut. */
const MAX_TOKEN_BYTES = 1024

const text = new TextDecoder('utf-8', { ignoreBOM: true })

export function encodeScore({ token, top }: Score): Uint8Array<ArrayBuffer> {
  const all = [token, ...top].map(({ bytes, ...rest }) => ({
    ...rest,
    bytes: bytes.subarray(0, MAX_TOKEN_BYTES),
  }))
  const size = all.reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes.byteLength, 1)
  const encoded = new Uint8Array(size)
  const view = new DataView(encoded.buffer)
  view.setUint8(0, top.length)
  let at = 1
  for (const { bytes, isText, logprob } of all) {
    view.setFloat32(at, logprob)
    view.setUint16(at + 4, bytes.byteLength | (isText ? 0 : NAME_BIT))
    encoded.set(bytes, at + HEAD_BYTES)
    at += HEAD_BYTES + bytes.byteLength
  }
  return encoded
}

/** Throws a `Failure` where the bytes are no score. */
export function decodeScore(encoded: Uint8Array): Score {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  const all: Likelihood[] = []
  try {
    let at = 1
    for (let left = view.getUint8(0); left >= 0; left--) {
      const size = view.getUint16(at + 4)
      const end = at + HEAD_BYTES + (size & ~NAME_BIT)
      if (end > encoded.byteLength) throw new RangeError('It ends too early.')
      const bytes = encoded.subarray(at + HEAD_BYTES, end)
      all.push({ bytes, isText: (size & NAME_BIT) === 0, logprob: view.getFloat32(at) })
      at = end
    }
  } catch (cause) {
    throw new Failure('internal', 'The score of a token could not be read.', { cause })
  }
  const [token, ...top] = all
  if (!token) throw new Failure('internal', 'The score of a token could not be read.')
  return { token, top }
}

/** What a person is shown of a token: half a character is U+FFFD. */
export const nameOf = ({ bytes }: Likelihood): string => text.decode(bytes)
