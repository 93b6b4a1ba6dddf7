import { z } from 'zod'
import { listOf } from './fields.ts'
import { LogitBias } from './logit-bias.ts'
import { Usage } from './chat.ts'
import { EndUser } from './end-user.ts'

/** Of one request, over all of its prompts. */
export const MAX_CHOICES = 128
const MAX_STOPS = 4
const DEFAULT_MAX_TOKENS = 16
const MAX_LOGPROBS = 5

const TOKENS = 'Prompts are texts here: send strings, not the numbers of tokens.'

/** Looked at before zod does: it says of every element what is wrong with it, however many there are. */
function promptsIn(value: unknown, context: z.core.$RefinementCtx): unknown {
  if (!Array.isArray(value)) return value
  const message =
    value.length > MAX_CHOICES
      ? `At most ${MAX_CHOICES} prompts are possible.`
      : value.some((one) => typeof one === 'number' || Array.isArray(one))
        ? TOKENS
        : undefined
  if (message === undefined) return value
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

const Prompt = z.string().min(1, { error: 'It must have at least one character.' })

/** What `POST /v1/completions` takes: texts that a model goes on with as they are, without a chat around them. */
export const CompletionRequest = z
  .object({
    model: z.string().min(1).max(200),
    prompt: z.preprocess(
      promptsIn,
      z.union([Prompt, z.array(Prompt).min(1).max(MAX_CHOICES)], {
        error: 'It must be a string, or a list of strings.',
      }),
    ),
    n: z.int().min(1).max(MAX_CHOICES).nullish(),
    best_of: z.int().min(0).max(MAX_CHOICES).nullish(),
    echo: z.boolean().nullish(),
    logprobs: z.int().min(0).max(MAX_LOGPROBS).nullish(),
    max_tokens: z
      .int()
      .min(0)
      .nullish()
      .transform((most) => most ?? DEFAULT_MAX_TOKENS),
    suffix: z.literal('', { error: 'No model here fills a gap: leave suffix out.' }).nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    seed: z.int().nullish(),
    stop: z
      .union([z.string().min(1), listOf(z.string().min(1), MAX_STOPS)], {
        error: `It must be a string, or a list of at most ${MAX_STOPS}.`,
      })
      .nullish(),
    logit_bias: LogitBias.optional(),
    ...EndUser.shape,
  })
  .refine(({ best_of: best, n }) => best == null || best === (n ?? 1), {
    path: ['best_of'],
    error: 'It must be n: every answer that is made is given.',
  })
  .refine(({ echo, logprobs }) => !echo || logprobs == null, {
    path: ['logprobs'],
    error: 'How likely the tokens of a prompt are is not told: leave echo or logprobs out.',
  })
  .refine(({ prompt, n }) => !Array.isArray(prompt) || prompt.length * (n ?? 1) <= MAX_CHOICES, {
    path: ['n'],
    error: `At most ${MAX_CHOICES} choices are possible, over all prompts.`,
  })
export type CompletionRequest = z.infer<typeof CompletionRequest>

/** A list for each thing that is told of a token. */
export const CompletionLogprobs = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  top_logprobs: z.array(z.record(z.string(), z.number())),
  /** Where each token begins in the text of its choice, in UTF-16 units. */
  text_offset: z.array(z.int()),
})
export type CompletionLogprobs = z.infer<typeof CompletionLogprobs>

const FinishReason = z.enum(['stop', 'length'])

const choice = { index: z.int(), text: z.string(), logprobs: CompletionLogprobs.nullable() }

const head = {
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  /** Stands for the model's file; absent where nobody knows. */
  system_fingerprint: z.string().optional(),
}

export const Completion = z.object({
  ...head,
  choices: z.array(z.object({ ...choice, finish_reason: FinishReason })),
  usage: Usage,
})
export type Completion = z.infer<typeof Completion>

/** One event of a streamed completion. */
export const CompletionChunk = z.object({
  ...head,
  choices: z.array(z.object({ ...choice, finish_reason: FinishReason.nullable() })),
  usage: Usage.nullish(),
})
export type CompletionChunk = z.infer<typeof CompletionChunk>
