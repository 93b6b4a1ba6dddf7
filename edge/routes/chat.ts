import { createRoute } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  tellingOf,
} from '../../proto/openai/chat.ts'
import { endUserOf } from '../../proto/openai/end-user.ts'
import { admission, type Work } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { failures, router } from '../http.ts'
import type { Ports, Served } from '../ports.ts'
import { chatCompletion } from '../stream/chat-completion.ts'
import { positionIn } from '../stream/position.ts'
import { chatHeadOf, streamAnswer } from './stream-answer.ts'
import { resumeAnswer } from './streams.ts'

const complete = createRoute({
  method: 'post',
  path: '/v1/chat/completions',
  tags: ['Chat'],
  summary: 'Answer a conversation, whole or as a stream of events',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: ChatRequest } } },
  },
  responses: {
    200: {
      description: 'The answer; with "stream": true, events of chunks and then [DONE]',
      content: {
        'application/json': { schema: ChatCompletion },
        'text/event-stream': { schema: ChatCompletionChunk },
      },
    },
    ...failures(
      'invalid',
      'key_reused',
      'unauthenticated',
      'model_not_found',
      'model_forbidden',
      'too_large',
      'unsupported_media',
      'rate_limited',
      'internal',
      'overloaded',
    ),
  },
})

export const chatRoutes = ({
  answers,
  catalogue,
  limiter,
  log,
}: Pick<Ports, 'answers' | 'catalogue' | 'limiter' | 'log'>) => {
  const admit = admission({ answers, catalogue, limiter })
  return router().openapi(complete, async (c) => {
    const request = c.req.valid('json')
    const includeUsage = request.stream_options?.include_usage ?? false
    const position = request.stream ? positionIn(c.req.header('last-event-id')) : undefined
    if (position) return resumeAnswer(c, position, { answers, log })
    // Of a stream its body hears when the reader goes.
    const hangup = request.stream ? new AbortController() : hangupOf(c)
    const asker = await askerOf(c, { route: complete.path, signal: hangup.signal })
    const { head, answer } = await admit(asker, {
      model: request.model,
      includeUsage,
      user: endUserOf(request),
      work: (served) => workOf(request, served),
    })
    if (!request.stream) {
      const whole = await chatCompletion(answer, chatHeadOf(head))
      return c.json(whole, 200, answered(c, head.id))
    }
    return streamAnswer(c, answer, head, { includeUsage, log, hangup, ids: asker.resumable })
  })
}

function workOf(request: ChatRequest, served: Served): Work {
  if (served.kind !== 'duplex') return chatWork(request)
  refuseTelling(request)
  return { kind: 'duplex', input: wordsOf(request) }
}

/** A model that gives back bytes has no tokens to tell of, and no format to keep. */
function refuseTelling(request: ChatRequest): void {
  const { logprobs, format } = tellingOf(request)
  const param = format ? 'response_format' : logprobs === undefined ? undefined : 'logprobs'
  if (param)
    throw new Failure('invalid', `The model "${request.model}" has no ${param}: leave it out.`, {
      param,
    })
}

/** Everything the request left open is fixed here, so that any worker continues alike. */
function chatWork(request: ChatRequest): Work {
  return {
    kind: 'chat',
    messages: request.messages.map(({ role, content }) => ({
      role: role === 'developer' ? 'system' : role,
      text: textOf(content),
    })),
    sampling: {
      temperature: request.temperature ?? 1,
      topP: request.top_p ?? 1,
      frequencyPenalty: request.frequency_penalty ?? 0,
      presencePenalty: request.presence_penalty ?? 0,
      ...(typeof request.seed === 'number' && { seed: request.seed >>> 0 }),
      maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
      stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
      ...tellingOf(request),
    },
  }
}

const textOf = (content: ChatRequest['messages'][number]['content']): string =>
  typeof content === 'string' ? content : content.map((part) => part.text).join('')

/** The last message as a stream of words, for a model that takes its input as one. */
async function* wordsOf(request: ChatRequest): AsyncGenerator<Uint8Array> {
  const utf8 = new TextEncoder()
  const last = request.messages.at(-1)
  for (const word of (last ? textOf(last.content) : '').match(/\S+\s*/g) ?? [])
    yield utf8.encode(word)
}
