import type { MsgHdrs } from '@nats-io/nats-core'

/**
 * Whether a message can be an offer, an answer, a control or an input at all. Another worker can have the server send
 * an empty status to any subject of ours, by asking for a pull with a forged reply subject.
 */
export function hasBody(message: { data: Uint8Array; headers?: MsgHdrs | undefined }): boolean {
  if (message.data.byteLength === 0) return false
  try {
    return (message.headers?.code ?? 0) === 0
  } catch {
    return false
  }
}
