// Turns what train.py wrote into a GGUF file: node export-gguf.ts WORK_FOLDER OUT.gguf
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { toF32, toQ8, writeGguf, type Tensor } from './gguf-write.ts'

const Described = z.object({
  vocab: z.array(z.string()),
  ranks: z.record(z.string(), z.number()),
  shape: z.object({
    vocab: z.int(),
    dim: z.int(),
    layers: z.int(),
    heads: z.int(),
    kv_heads: z.int(),
    ffn: z.int(),
    context: z.int(),
  }),
})
type Described = z.infer<typeof Described>

const tokenType = { normal: 1, unknown: 2, control: 3, byte: 6 } as const
const firstPlain = 5
const neverMerged = -100_000

const chatTemplate = [
  '{{ bos_token }}',
  '{% for message in messages %}',
  '<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n',
  '{% endfor %}',
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
].join('')

const [folder, out] = process.argv.slice(2)
if (folder === undefined || out === undefined)
  throw new Error('usage: node export-gguf.ts WORK_FOLDER OUT.gguf')

const described = Described.parse(JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')))
const tensors = readWeights(readFileSync(join(folder, 'weights.bin')))
const { shape } = described

writeGguf(
  out,
  {
    'general.architecture': { type: 'string', value: 'llama' },
    'general.name': { type: 'string', value: 'june-chat' },
    'general.description': { type: 'string', value: 'The built-in model of June.' },
    'general.license': { type: 'string', value: 'apache-2.0' },
    'general.file_type': { type: 'u32', value: 7 },
    'llama.context_length': { type: 'u32', value: shape.context },
    'llama.embedding_length': { type: 'u32', value: shape.dim },
    'llama.block_count': { type: 'u32', value: shape.layers },
    'llama.feed_forward_length': { type: 'u32', value: shape.ffn },
    'llama.attention.head_count': { type: 'u32', value: shape.heads },
    'llama.attention.head_count_kv': { type: 'u32', value: shape.kv_heads },
    'llama.attention.layer_norm_rms_epsilon': { type: 'f32', value: 1e-5 },
    'llama.rope.dimension_count': { type: 'u32', value: shape.dim / shape.heads },
    'llama.rope.freq_base': { type: 'f32', value: 10_000 },
    'llama.vocab_size': { type: 'u32', value: shape.vocab },
    'tokenizer.ggml.model': { type: 'string', value: 'llama' },
    'tokenizer.ggml.pre': { type: 'string', value: 'default' },
    'tokenizer.ggml.tokens': { type: 'strings', value: described.vocab },
    'tokenizer.ggml.scores': { type: 'f32s', value: scores(described) },
    'tokenizer.ggml.token_type': { type: 'i32s', value: described.vocab.map(typeOf) },
    'tokenizer.ggml.unknown_token_id': { type: 'u32', value: 0 },
    'tokenizer.ggml.bos_token_id': { type: 'u32', value: 1 },
    'tokenizer.ggml.eos_token_id': { type: 'u32', value: 4 },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
    'tokenizer.ggml.add_eos_token': { type: 'bool', value: false },
    'tokenizer.ggml.add_space_prefix': { type: 'bool', value: false },
    'tokenizer.chat_template': { type: 'string', value: chatTemplate },
  },
  tensors,
)

/** The reader of this file merges the pair of the highest score first. */
function scores({ vocab, ranks }: Described): number[] {
  return vocab.map((piece, id) => {
    const rank = ranks[piece]
    if (rank !== undefined) return -rank - 1
    return typeOf(piece, id) === tokenType.normal ? neverMerged : 0
  })
}

function typeOf(piece: string, id: number): number {
  if (id === 0) return tokenType.unknown
  if (id < firstPlain) return tokenType.control
  return /^<0x[0-9A-F]{2}>$/.test(piece) ? tokenType.byte : tokenType.normal
}

/** Each record is three lengths, a name, a shape and the numbers. The names are already GGUF's. */
function readWeights(file: Buffer): Tensor[] {
  const read: Tensor[] = []
  let at = 0
  const u32 = (): number => {
    at += 4
    return file.readUInt32LE(at - 4)
  }
  while (at < file.length) {
    const nameLength = u32()
    const dimensions = u32()
    const byteLength = u32()
    const name = file.toString('utf8', at, at + nameLength)
    at += nameLength
    const sizes = Array.from({ length: dimensions }, u32)
    const numbers = new Float32Array(new Uint8Array(file.subarray(at, at + byteLength)).buffer)
    at += byteLength
    const matrix = dimensions === 2
    read.push({
      name,
      shape: sizes.toReversed(),
      format: matrix ? 'Q8_0' : 'F32',
      data: matrix ? toQ8(numbers) : toF32(numbers),
    })
  }
  return read
}
