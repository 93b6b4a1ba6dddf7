import { decodeFrame, encodeFrame, frameHead } from '../../proto/frame.ts'
import type { Answer } from '../ports.ts'

/**
 * The same answer in frames of one token each. How many tokens a frame has is an accident of the moment; what is numbered
 * for a reader that comes back must not depend on it.
 */
export async function* oneByOne(answer: Answer): AsyncGenerator<readonly Uint8Array[]> {
  for await (const frames of answer) yield apart(frames)
}

export function apart(frames: readonly Uint8Array[]): readonly Uint8Array[] {
  return frames.every(isOne) ? frames : frames.flatMap(tokensOf)
}

const isOne = (bytes: Uint8Array): boolean => (frameHead(bytes)?.count ?? 0) <= 1

function tokensOf(bytes: Uint8Array): Uint8Array[] {
  if (isOne(bytes)) return [bytes]
  const frame = decodeFrame(bytes)
  if (frame.kind !== 'tokens') return [bytes]
  const { epoch, seq, ids, texts, scores } = frame
  return ids.map((id, i) =>
    encodeFrame(epoch, seq + i, {
      kind: 'tokens',
      ids: [id],
      texts: [texts[i] ?? ''],
      ...(scores && { scores: [scores[i] ?? new Uint8Array()] }),
    }),
  )
}
