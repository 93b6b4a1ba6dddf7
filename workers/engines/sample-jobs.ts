import { GatewayId, newJobId } from '../../proto/ids.ts'
import type {
  ChatJob,
  DuplexJob,
  EmbedInput,
  EmbedJob,
  RerankJob,
  Sampling,
} from '../../proto/job.ts'

const base = () => ({
  id: newJobId(),
  gateway: GatewayId.parse('sample'),
  tenant: 'sample',
  key: 'sample',
  priority: 'default' as const,
  admittedAtMs: 0,
  deadlineAtMs: Number.MAX_SAFE_INTEGER,
  reading: { resumable: false, includeUsage: false },
})

/** A chat job with everything fixed: greedy, seed 1, as many tokens as there are. */
export function sampleChat(model: string, text: string, sampling: Partial<Sampling> = {}): ChatJob {
  return {
    ...base(),
    kind: 'chat',
    model,
    messages: [{ role: 'user', text }],
    sampling: {
      temperature: 0,
      topP: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      seed: 1,
      maxTokens: null,
      stop: [],
      ...sampling,
    },
  }
}

export const sampleDuplex = (model: string): DuplexJob => ({ ...base(), kind: 'duplex', model })

export const sampleEmbed = (
  model: string,
  inputs: EmbedInput[],
  more: Pick<EmbedJob, 'dimensions'> = {},
): EmbedJob => ({ ...base(), kind: 'embed', model, inputs, ...more })

export const sampleRerank = (model: string, query: string, documents: string[]): RerankJob => ({
  ...base(),
  kind: 'rerank',
  model,
  query,
  documents,
})
