import type { Marks } from '../../../proto/calling.ts'
import { hermesReader } from './hermes.ts'
import { llama3Reader } from './llama3.ts'
import { mistralReader } from './mistral.ts'
import type { PieceReader } from './piece.ts'
import { thinkingReader, type ThinkingReader } from './thinking.ts'

/** Finds in an answer's text what its marks say to look for. */
export function markedReader({ calls, thinking }: Marks): PieceReader & Partial<ThinkingReader> {
  const rest = calls ? callsReader(calls) : plain
  return thinking ? thinkingReader(thinking, rest) : rest
}

function callsReader({ syntax, names, held }: NonNullable<Marks['calls']>): PieceReader {
  const known = new Set(names)
  switch (syntax) {
    case 'hermes':
      return hermesReader(known)
    case 'llama3':
      return llama3Reader(known)
    case 'mistral':
      return mistralReader(known, held)
  }
}

const plain: PieceReader = {
  push: (text) => (text === '' ? [] : [{ kind: 'text', text }]),
  end: () => [],
}
