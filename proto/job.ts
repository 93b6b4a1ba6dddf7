import { z } from 'zod'
import { Fund } from './budget.ts'
import { Calling, Marks } from './calling.ts'
import { Format } from './format.ts'
import { GatewayId, JobId } from './ids.ts'
import { Price } from './money.ts'

export const JobKind = z.enum(['chat', 'duplex', 'embed', 'rerank'])
export type JobKind = z.infer<typeof JobKind>

/** Whether positions of an answer are what is paid for: a vector or a score is not, what was read for it is. */
export const SAYS: Record<JobKind, boolean> = {
  chat: true,
  duplex: true,
  embed: false,
  rerank: false,
}

export const Role = z.enum(['system', 'user', 'assistant', 'tool'])

export const ChatMessage = z.object({
  role: Role,
  text: z.string(),
  /** What an assistant called. */
  calls: z
    .array(z.object({ id: z.string(), name: z.string(), arguments: z.string() }))
    .min(1)
    .optional(),
  /** The id of the call that a tool's message answers. */
  answers: z.string().optional(),
})
export type ChatMessage = z.infer<typeof ChatMessage>

export const MAX_TOP_LOGPROBS = 20

export const MAX_LOGIT_BIAS = 1024
const LogitBias = z.tuple([z.int().min(0).max(0xffff_ffff), z.number().min(-100).max(100)])

/** How much a model that thinks is to think, where it lets itself be told. */
export const Effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])
export type Effort = z.infer<typeof Effort>

/** How the next token is chosen. Every field is fixed at admission, so that any worker continues alike. */
export const Sampling = z.object({
  /** 0 is greedy. */
  temperature: z.number().min(0).max(2),
  topP: z.number().min(0).max(1),
  frequencyPenalty: z.number().min(-2).max(2),
  presencePenalty: z.number().min(-2).max(2),
  /** Token i is drawn with a generator seeded by (seed, i), so sampling resumes at any position. */
  seed: z.int().min(0).max(0xffff_ffff),
  /** Tokens of the answer at most; `null` is as many as the context holds. With 0 the prompt is counted and no more. */
  maxTokens: z.int().nonnegative().nullable(),
  stop: z.array(z.string().min(1)).max(4),
  /** With each token its log probability is told, and those of so many of the likeliest; absent where nobody asks. */
  logprobs: z.int().min(0).max(MAX_TOP_LOGPROBS).optional(),
  /** Absent where any text will do. */
  format: Format.optional(),
  /** Added to the logits of tokens by their ids, once each. */
  logitBias: z.array(LogitBias).min(1).max(MAX_LOGIT_BIAS).optional(),
})
export type Sampling = z.infer<typeof Sampling>

/** What the reader of an answer asked for, and any gateway that serves it must know. */
export const Reading = z.object({
  /** The answer outlives its reader's connection: it goes on without one, and is kept for whoever comes back. */
  resumable: z.boolean(),
  includeUsage: z.boolean(),
  /** Absent where every token of the answer is plain text. */
  marks: Marks.optional(),
  /** It is the answer of a stored response, and is kept with what was asked: see `stored-response.ts`. */
  stored: z.boolean().optional(),
  /** Resumable, and yet over when its last reader hangs up: only the death of a gateway does not end it. */
  endsWithReader: z.boolean().optional(),
  /** Stands for what made the answer; absent where nobody knows. */
  fingerprint: z.string().max(64).optional(),
  /** The format that whoever comes back is told the rest in; absent is that of a chat. */
  told: z.literal('completion').optional(),
  /** How the answer calls its priority, where its request named one. */
  tier: z.enum(['default', 'flex', 'priority']).optional(),
})
export type Reading = z.infer<typeof Reading>

export const MAX_USER_CHARS = 256
const UserName = z.string().min(1).max(MAX_USER_CHARS)

/** Under which an answer is found again, within its project. */
export const Caching = z.object({
  /** SHA-256 of all that the answer depends on, hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** An answer that is older is not given again; 0 is any: this request wants one of its own. */
  maxAgeMs: z.int().nonnegative(),
  /** A longer answer is not kept. */
  maxBytes: z.int().positive(),
})
export type Caching = z.infer<typeof Caching>

/** How long a request may wait beside others: somebody talks, somebody looks on, nobody looks on. */
export const Priority = z.enum(['interactive', 'default', 'batch'])
export type Priority = z.infer<typeof Priority>

const base = {
  id: JobId,
  model: z.string().min(1).max(200),
  /** The gateway that admitted the job, asked first when a worker claims. */
  gateway: GatewayId,
  /** Who pays, and who may read the answer: the id of a project. */
  tenant: z.string(),
  /** Whose project that is: its budgets count too. */
  organisation: z.string().optional(),
  /** Who asked: the id of an API key. */
  key: z.string(),
  /** Whom they asked for, in the words of their app; for usage alone. Absent where nobody was named. */
  user: UserName.optional(),
  priority: Priority,
  /** Milliseconds since 1970. */
  admittedAtMs: z.int(),
  deadlineAtMs: z.int(),
  /** What its tokens cost, whatever they cost later. Absent where the model had no price. */
  price: Price.optional(),
  /** The budgets that pay for it, all of them; absent where none does. */
  funds: z.array(Fund).min(1).optional(),
  reading: Reading,
  /** Its answer may be given again to whoever asks the same. Absent where its project has not opted in. */
  caching: Caching.optional(),
}

export const ChatJob = z.object({
  ...base,
  kind: z.literal('chat'),
  /** Empty where there is a prompt instead. */
  messages: z.array(ChatMessage),
  /** A text to go on with, as it is: no chat template is put around it. */
  prompt: z.string().optional(),
  /** Absent where it may call nothing. */
  calling: Calling.optional(),
  effort: Effort.optional(),
  sampling: Sampling,
})
export type ChatJob = z.infer<typeof ChatJob>

/** A job whose input is a stream of numbered blocks, and whose answer is one too. */
export const DuplexJob = z.object({ ...base, kind: z.literal('duplex') })
export type DuplexJob = z.infer<typeof DuplexJob>

export const MAX_INPUTS = 2048

/** A text, or the ids of its tokens. */
export const EmbedInput = z.union([z.string().min(1), z.array(z.int().nonnegative()).min(1)])
export type EmbedInput = z.infer<typeof EmbedInput>

/** A job whose answer is a vector for each input, in their order; see vector.ts. */
export const EmbedJob = z.object({
  ...base,
  kind: z.literal('embed'),
  inputs: z.array(EmbedInput).min(1).max(MAX_INPUTS),
  /** How long a vector is; absent where it is as long as the model makes it. */
  dimensions: z.int().positive().optional(),
})
export type EmbedJob = z.infer<typeof EmbedJob>

/** A job whose answer is a score for each document, in their order, and the higher the better. */
export const RerankJob = z.object({
  ...base,
  kind: z.literal('rerank'),
  query: z.string().min(1),
  documents: z.array(z.string()).min(1).max(MAX_INPUTS),
})
export type RerankJob = z.infer<typeof RerankJob>

export const Job = z.discriminatedUnion('kind', [ChatJob, DuplexJob, EmbedJob, RerankJob])
export type Job = z.infer<typeof Job>

/** Whether no model computes anything for a job: its prompt is counted, and that is its answer. */
export const onlyCounts = (job: Job): boolean => job.kind === 'chat' && job.sampling.maxTokens === 0

/** A job that names no deadline has this long, waiting included. */
export const DEFAULT_DEADLINE_MS = 10 * 60_000

/** Tokens (or blocks) that a worker may be ahead of the reader. */
export const CREDIT_WINDOW = 64

/** A job is one NATS message: what is longer must come as input frames. */
export const MAX_JOB_BYTES = 2 * 1024 * 1024
