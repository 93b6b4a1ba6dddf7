import type { Output } from '../../proto/frame.ts'

/** The positions an output takes: only what a reader is shown counts. */
export function sizeOf(output: Output): number {
  if (output.kind === 'tokens') return output.ids.length
  return output.kind === 'bytes' ? 1 : 0
}

/** The first `size` positions of an output, and what is left of it. */
export function portion(output: Output, size: number): [head: Output, rest: Output | undefined] {
  if (output.kind !== 'tokens' || output.ids.length <= size) return [output, undefined]
  const { kind, ids, texts, scores } = output
  const part = (from: number, to?: number): Output => ({
    kind,
    ids: ids.slice(from, to),
    texts: texts.slice(from, to),
    ...(scores && { scores: scores.slice(from, to) }),
  })
  return [part(0, size), part(size)]
}
