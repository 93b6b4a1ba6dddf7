import type { LlamaModel, Token } from 'node-llama-cpp'
import { z } from 'zod'

/** What a GGUF says of its tokenizer. The types of its tokens: 1 normal, 4 by the user, 6 one byte, others are not text. */
const Tokenizer = z.object({
  model: z.string(),
  tokens: z.array(z.string()),
  token_type: z.array(z.number()).optional(),
  add_space_prefix: z.boolean().optional(),
})

const NORMAL = 1
const BY_THE_USER = 4
const BYTE = 6

export interface Vocabulary {
  /** How many tokens there are. */
  size: number
  /** The bytes a token stands for; none for one that is not text. */
  pieceOf: (id: number) => Uint8Array
  /** The same, and for a token that is not text its name. */
  nameOf: (id: number) => { bytes: Uint8Array; isText: boolean }
  /** No token stands for more: a text has at least its bytes divided by this many tokens. */
  longestBytes: number
  /** Whether a space is put before a text when it is tokenized. */
  spacePrefix: boolean
}

/**
 * Tokens as bytes. The library gives text, in which a character that is spread over tokens is lost, so the pieces are
 * read from the file, by the rules of the two kinds of tokenizer that nearly every model has.
 */
export function readVocabulary(model: LlamaModel): Vocabulary {
  const { data } = Tokenizer.safeParse(model.fileInfo.metadata.tokenizer?.ggml)
  const decode = data && decoders[data.model]
  const shown = (id: number): Uint8Array => utf8.encode(model.detokenize([id as Token]))
  const pieces = (data?.tokens ?? []).map((token, id) => {
    if (!decode) return shown(id)
    const type = data?.token_type?.[id] ?? NORMAL
    if (type === BYTE) return Uint8Array.of(Number.parseInt(token.slice(3, 5), 16))
    if (type === BY_THE_USER) return utf8.encode(token)
    return type === NORMAL ? decode(token) : NOTHING
  })
  const pieceOf = (id: number): Uint8Array => pieces[id] ?? shown(id)
  return {
    size: pieces.length,
    pieceOf,
    nameOf: (id) => {
      const bytes = pieceOf(id)
      const name = data?.tokens[id]
      if (bytes.byteLength > 0 || name === undefined) return { bytes, isText: true }
      return { bytes: utf8.encode(name), isText: false }
    },
    longestBytes: pieces.reduce((most, { byteLength }) => Math.max(most, byteLength), 1),
    spacePrefix: data?.model === 'llama' && data.add_space_prefix !== false,
  }
}

const NOTHING = new Uint8Array()
const utf8 = new TextEncoder()

const decoders: Record<string, ((token: string) => Uint8Array) | undefined> = {
  /** SentencePiece: a space is written U+2581. */
  llama: (token) => utf8.encode(token.replaceAll('\u2581', ' ')),
  /** Byte-level BPE: each byte is written as a printable character. */
  gpt2: (token) => Uint8Array.from(token, (char) => byteOf.get(char) ?? 0x3f),
}

/** The alphabet of GPT-2: printable bytes are themselves, the others follow from U+0100 on. */
const byteOf = new Map<string, number>()
let next = 0x100
for (let byte = 0; byte < 0x100; byte++) {
  const printable =
    (byte >= 0x21 && byte <= 0x7e) ||
    (byte >= 0xa1 && byte <= 0xac) ||
    (byte >= 0xae && byte <= 0xff)
  byteOf.set(String.fromCodePoint(printable ? byte : next++), byte)
}
