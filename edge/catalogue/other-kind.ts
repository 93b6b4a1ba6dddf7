import { Failure } from '../../proto/failure.ts'
import type { JobKind } from '../../proto/job.ts'
import type { Served } from '../ports.ts'

const DOES: Record<JobKind, string> = {
  chat: 'chats: use /v1/chat/completions',
  duplex: 'gives back its input: use /v1/chat/completions',
  embed: 'makes embeddings: use /v1/embeddings',
  rerank: 'ranks documents: use /v1/rerank',
}
const WANTED: Record<JobKind, string> = {
  chat: 'chat',
  duplex: 'take a stream',
  embed: 'make embeddings',
  rerank: 'rank documents',
}

/** A model that exists, and does something else. */
export const otherKind = ({ id, kind }: Pick<Served, 'id' | 'kind'>, wanted: JobKind): Failure =>
  new Failure('invalid', `The model '${id}' does not ${WANTED[wanted]}. It ${DOES[kind]}.`, {
    param: 'model',
  })
