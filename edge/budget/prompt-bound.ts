import type { EmbedInput, Job } from '../../proto/job.ts'

/** What a chat template says by itself, at its beginning and around each message, in tokens: more than any that we know. */
const TEMPLATE_TOKENS = 256
const MESSAGE_TOKENS = 16

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
  const said =
    bytesOf(JSON.stringify(job.messages)) + bytesOf(JSON.stringify(job.sampling.format ?? ''))
  return said + TEMPLATE_TOKENS + MESSAGE_TOKENS * job.messages.length
}

const tokensOf = (input: EmbedInput): number =>
  typeof input === 'string' ? bytesOf(input) : input.length

const bytesOf = (text: string): number => utf8.encode(text).byteLength
