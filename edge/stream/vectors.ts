import { Failure } from '../../proto/failure.ts'
import { decodeFrame, FRAME_HEADER_BYTES, frameHead } from '../../proto/frame.ts'
import type { Answer } from '../ports.ts'

export interface Vectors {
  /** One block for each input, as `proto/vector.ts` writes it. */
  blocks: Uint8Array[]
  promptTokens: number
}

/** The whole answer of a job that makes `count` vectors. Throws its `Failure`. */
export async function vectorsOf(answer: Answer, count: number): Promise<Vectors> {
  const blocks: Uint8Array[] = []
  let promptTokens: number | undefined
  for await (const frames of answer)
    for (const bytes of frames) {
      const kind = frameHead(bytes)?.kind
      if (kind === 'bytes') blocks.push(bytes.subarray(FRAME_HEADER_BYTES))
      if (kind !== 'end') continue
      const end = decodeFrame(bytes)
      if (end.kind === 'end') promptTokens = end.promptTokens
    }
  const [first] = blocks
  const isWhole = blocks.length === count && blocks.every((each) => isLike(each, first))
  if (isWhole && promptTokens !== undefined) return { blocks, promptTokens }
  throw new Failure(
    'engine_failed',
    'The model did not make a vector of its length for each input.',
  )
}

const isLike = (block: Uint8Array, first: Uint8Array | undefined): boolean =>
  block.byteLength > 0 && block.byteLength % 4 === 0 && block.byteLength === first?.byteLength
