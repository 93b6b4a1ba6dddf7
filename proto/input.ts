/*
 *  0      1      2        6      10
 *  +------+------+--------+------+------------- - -
 *  | 0x01 | kind | epoch  | seq  | block            kind 0: a block, 1: the input is over after `seq` blocks
 *  +------+------+--------+------+------------- - -
 */
const VERSION = 1
const HEADER_BYTES = 10

/** A numbered block of a job's input stream, or its end. */
export type InputFrame = { epoch: number; seq: number } & (
  | { kind: 'block'; bytes: Uint8Array }
  | { kind: 'end' }
)

export function encodeInput(frame: InputFrame): Uint8Array<ArrayBuffer> {
  const block = frame.kind === 'block' ? frame.bytes : new Uint8Array()
  const bytes = new Uint8Array(HEADER_BYTES + block.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, frame.kind === 'block' ? 0 : 1)
  view.setUint32(2, frame.epoch)
  view.setUint32(6, frame.seq)
  bytes.set(block, HEADER_BYTES)
  return bytes
}

/** Answers nothing where the bytes are no input frame. Never throws. */
export function decodeInput(bytes: Uint8Array): InputFrame | undefined {
  if (bytes.byteLength < HEADER_BYTES || bytes[0] !== VERSION) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = { epoch: view.getUint32(2), seq: view.getUint32(6) }
  // Copied: the bytes of a received message belong to the connection's buffer.
  if (bytes[1] === 0) return { ...at, kind: 'block', bytes: bytes.slice(HEADER_BYTES) }
  return bytes[1] === 1 ? { ...at, kind: 'end' } : undefined
}
