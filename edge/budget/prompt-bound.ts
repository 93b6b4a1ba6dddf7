import type { Calling } from '../../proto/calling.ts'
import type { ChatJob, EmbedInput, Job } from '../../proto/job.ts'
import { indentationOf } from './indentation.ts'

/** What a chat template says by itself, at its beginning and around each message, in tokens: more than any that we know. */
const TEMPLATE_TOKENS = 256
const MESSAGE_TOKENS = 16
/** How functions are called, in the words of a template or in ours. */
const CALLING_TOKENS = 512
/** Around a function that is offered, and around a call that was made: their names for the parts, and where those stand. */
const TOOL_TOKENS = 256
const CALL_TOKENS = 256

const utf8 = new TextEncoder()

/**
 * No prompt of this job has more tokens. A gateway does not tokenise; but no token of a text is shorter than a byte, and as
 * JSON no text is shorter than by itself.
 */
export function promptBound(job: Job): number {
  if (job.kind === 'duplex') return 0
  if (job.kind === 'embed')
    return job.inputs.reduce((sum, input) => sum + tokensOf(input) + MESSAGE_TOKENS, 0)
  if (job.kind === 'rerank') {
    // The query may be read with each document.
    const query = bytesOf(job.query) + MESSAGE_TOKENS
    return job.documents.reduce((sum, text) => sum + query + bytesOf(text), query)
  }
  if (job.prompt !== undefined) return bytesOf(job.prompt) + MESSAGE_TOKENS
  return Object.values(chatBounds).reduce((sum, bound) => sum + (bound?.(job) ?? 0), 0)
}

/** What each field of a chat adds to its prompt at most; `null` where no template is shown it. A new field needs its row. */
const chatBounds: Record<keyof ChatJob, ((job: ChatJob) => number) | null> = {
  messages: messagesBound,
  calling: ({ calling }) => (calling ? callingBound(calling) : 0),
  effort: ({ effort }) => bytesOf(effort ?? ''),
  // Some templates tell the model what its answer is held to.
  sampling: ({ sampling: { format } }) => bytesOf(JSON.stringify(format ?? '')),
  // Stands for all of the others, and is counted by itself.
  prompt: null,
  id: null,
  kind: null,
  model: null,
  gateway: null,
  tenant: null,
  organisation: null,
  key: null,
  user: null,
  priority: null,
  admittedAtMs: null,
  deadlineAtMs: null,
  price: null,
  funds: null,
  reading: null,
  caching: null,
}

function messagesBound({ messages }: ChatJob): number {
  const said = bytesOf(JSON.stringify(messages)) + TEMPLATE_TOKENS
  return messages.reduce(
    (sum, { calls = [] }) => {
      const called = calls.reduce(
        (all, call) => all + CALL_TOKENS + indentationOf(call.arguments),
        0,
      )
      return sum + MESSAGE_TOKENS + called
    },
    said + namesOfAnswered(messages),
  )
}

/** A result is shown with the name of what was called, however often that is answered. */
function namesOfAnswered(messages: ChatJob['messages']): number {
  const bytes = new Map<string, number>()
  let sum = 0
  for (const { calls = [], answers } of messages) {
    for (const { id, name } of calls) bytes.set(id, bytesOf(JSON.stringify(name)))
    if (answers !== undefined) sum += bytes.get(answers) ?? 0
  }
  return sum
}

const callingBound = (calling: Calling): number =>
  calling.tools.reduce(
    (sum, { parameters }) => sum + TOOL_TOKENS + indentationOf(parameters ?? ''),
    bytesOf(JSON.stringify(calling)) + CALLING_TOKENS,
  )

const tokensOf = (input: EmbedInput): number =>
  typeof input === 'string' ? bytesOf(input) : input.length

const bytesOf = (text: string): number => utf8.encode(text).byteLength
