import { encodeFrame } from '../../proto/frame.ts'

/**
 * What no engine says. The text of a token depends on its position alone, so a real zombie's token that takes the place of the
 * holder's looks like it; one of these does not.
 */
export const MARK = '<old epoch> '
const MARK_ID = 4_004_004_004
const mark = new TextEncoder().encode(MARK)

/** A frame of an epoch that is over, at the very position that comes next. */
export const markedFrame = (epoch: number, seq: number): Uint8Array<ArrayBuffer> =>
  encodeFrame(epoch, seq, { kind: 'tokens', ids: [MARK_ID], texts: [MARK] })

export const isMarked = (bytes: Uint8Array): boolean =>
  bytes.byteLength > mark.byteLength &&
  mark.every((byte, i) => bytes[bytes.byteLength - mark.byteLength + i] === byte)
