import { z } from 'zod'
import { MAX_INPUTS, type EmbedInput } from '../job.ts'
import { EndUser } from './end-user.ts'

const MAX_DIMENSIONS = 65_536
const NEEDS =
  'It must be a text, a list of texts, or a list of token ids, or of lists of them; none of them empty.'

const Text = z.string().min(1, 'It must not be empty.')
const Tokens = z.array(z.int().nonnegative()).min(1, 'It must not be empty.')
const listOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(MAX_INPUTS)

const Input = z.preprocess(
  checked,
  z.union([Text, listOf(Text), z.array(z.int().nonnegative()).min(1), listOf(Tokens)]),
)

/** By its first element alone it is clear what a list must be: it is not walked once for each of its readings. */
function checked(value: unknown, context: z.core.$RefinementCtx): unknown {
  const isList = Array.isArray(value) && typeof value[0] !== 'number'
  const list: unknown[] = isList ? value : [value]
  if (list.length === 0 || list.length > MAX_INPUTS) {
    const message = list.length === 0 ? NEEDS : `At most ${MAX_INPUTS} inputs are possible at once.`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  const one = typeof list[0] === 'string' ? Text : Tokens
  for (const [i, each] of list.entries()) {
    const [issue] = one.safeParse(each).error?.issues ?? []
    if (!issue) continue
    const isEmpty = issue.code === 'too_small' && issue.path.length === 0
    const message = isEmpty ? issue.message : NEEDS
    context.addIssue({ code: 'custom', message, path: isList ? [i] : [] })
    return z.NEVER
  }
  return value
}

/** What is asked for, one after the other. */
export function inputsOf({ input }: EmbeddingRequest): EmbedInput[] {
  if (typeof input === 'string') return [input]
  return isOne(input) ? [input] : input
}

const isOne = (list: number[] | (string | number[])[]): list is number[] =>
  typeof list[0] === 'number'

/** What `POST /v1/embeddings` takes. */
export const EmbeddingRequest = z.object({
  model: z.string().min(1).max(200),
  input: Input,
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().positive().max(MAX_DIMENSIONS).nullish(),
  ...EndUser.shape,
})
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>

export const EmbeddingUsage = z.object({ prompt_tokens: z.int(), total_tokens: z.int() })

export const Embedding = z.object({
  object: z.literal('embedding'),
  index: z.int(),
  /** Of length 1. As base64, 32 bit floats, little endian. */
  embedding: z.union([z.array(z.number()), z.string()]),
})

export const EmbeddingList = z.object({
  object: z.literal('list'),
  data: z.array(Embedding),
  model: z.string(),
  usage: EmbeddingUsage,
})
export type EmbeddingList = z.infer<typeof EmbeddingList>
