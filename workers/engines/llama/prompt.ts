import { setImmediate } from 'node:timers/promises'
import type { LlamaModel } from 'node-llama-cpp'
import { Failure } from '../../../proto/failure.ts'
import type { ChatJob } from '../../../proto/job.ts'
import type { ChatTemplate } from './chat-template.ts'
import type { Part } from './literals.ts'

/** Text is tokenized this many characters at a time, and other streams take their steps between. */
const SLICE_CHARS = 4096

export interface PromptRules {
  model: LlamaModel
  template: ChatTemplate
  contextTokens: number
  /** Bytes of the longest token. */
  longestBytes: number
  /** Whether the tokenizer puts a space before a text, which must not come between a template and a message. */
  spacePrefix: boolean
}

/** What of a job is the prompt. */
export type Asking = Pick<ChatJob, 'messages' | 'prompt' | 'calling' | 'effort' | 'sampling'>

/** The tokens of a conversation, up to where the model is to answer. Refuses one that leaves no room for an answer. */
export async function promptOf(
  asking: Asking,
  rules: PromptRules,
  signal: AbortSignal,
): Promise<number[]> {
  const { model, template, contextTokens } = rules
  const tokenize = (text: string, literal: boolean): number[] =>
    model.tokenize(text, !literal, literal && rules.spacePrefix ? 'trimLeadingSpace' : undefined)
  refuse(atLeast(asking, rules.longestBytes), contextTokens, 'at least ')
  const tokens: number[] = []
  let chars = 0
  for (const { text, literal } of parts(partsOf(asking, template))) {
    for (const token of tokenize(text, literal)) tokens.push(token)
    chars += text.length
    if (chars < SLICE_CHARS) continue
    chars = 0
    refuse(tokens.length, contextTokens, 'at least ')
    await setImmediate()
    signal.throwIfAborted()
  }
  const { bos, shouldPrependBosToken } = model.tokens
  if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos)
  refuse(tokens.length, contextTokens, '')
  return tokens
}

/** A text to go on with is people's own as well: no part of it is a control token. */
function partsOf(asking: Asking, template: ChatTemplate): Part[] {
  const { messages, prompt, calling, effort, sampling } = asking
  if (prompt !== undefined) return [{ text: prompt, literal: true }]
  const held = calling?.choice === 'required' || sampling.format !== undefined
  return template.render(messages, { calling, effort, held })
}

/** No fewer tokens than this, known without tokenizing: a prompt of megabytes must not cost what it would. */
function atLeast({ messages, prompt = '' }: Asking, longestBytes: number): number {
  const texts = [...messages.map(({ text }) => text), prompt]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text.trim()), 0)
  return Math.max(messages.length, Math.ceil(bytes / longestBytes))
}

function refuse(tokens: number, contextTokens: number, atLeastWord: string): void {
  if (tokens < contextTokens) return
  throw new Failure(
    'context_too_long',
    `This model's context holds ${contextTokens} tokens, prompt and answer together. Your messages are ` +
      `${atLeastWord}${tokens} tokens.`,
    { param: 'messages' },
  )
}

/** Long ones cut before a space or after a line, where tokenizers cut too, and always alike: a takeover must read the same. */
function* parts(whole: readonly Part[]): Generator<Part> {
  for (const { text, literal } of whole)
    for (const slice of slices(text)) yield { text: slice, literal }
}

function* slices(text: string): Generator<string> {
  let at = 0
  while (text.length - at > SLICE_CHARS) {
    const window = text.slice(at, at + SLICE_CHARS)
    const cut = Math.max(window.lastIndexOf(' '), window.lastIndexOf('\n') + 1)
    const size = cut > 0 ? cut : wholeChars(window)
    yield window.slice(0, size)
    at += size
  }
  yield text.slice(at)
}

const wholeChars = (window: string): number =>
  window.isWellFormed() ? window.length : window.length - 1
