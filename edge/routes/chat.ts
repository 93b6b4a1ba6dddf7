import { createRoute } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { newJobId, type GatewayId, type JobId } from '../../proto/ids.ts'
import { DEFAULT_DEADLINE_MS, type ChatJob, type DuplexJob, type Job } from '../../proto/job.ts'
import { randomU32 } from '../../proto/random.ts'
import {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  tellingOf,
} from '../../proto/openai/chat.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { failures, router } from '../http.ts'
import { onceKeyOf } from '../idempotency.ts'
import type { AskOptions, Ports } from '../ports.ts'
import { chatCompletion } from '../stream/chat-completion.ts'
import { positionIn } from '../stream/position.ts'
import { answered, chatHeadOf, hangupOf, streamAnswer, wantsResume } from './stream-answer.ts'
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
  log,
}: Pick<Ports, 'answers' | 'catalogue' | 'log'>) =>
  router().openapi(complete, async (c) => {
    const request = c.req.valid('json')
    const { project: tenant, id: key } = c.get('key')
    const includeUsage = request.stream_options?.include_usage ?? false
    const position = request.stream ? positionIn(c.req.header('last-event-id')) : undefined
    if (position) return resumeAnswer(c, position, { answers, log })
    const once = await onceKeyOf(c.req.header('idempotency-key'), {
      tenant,
      route: complete.path,
      body: c.req.header('idempotency-key') && (await c.req.json()),
    })
    const ids = wantsResume(c.req.header('x-stream-resume'))
    const served = await catalogue.find(request.model)
    if (!served) throw unknownModel(request.model)
    if (served.kind === 'duplex') refuseTelling(request)
    const id = newJobId()
    const reading = { resumable: ids || once !== undefined, includeUsage }
    const job = {
      ...base(request, id, await answers.gateway()),
      reading,
      tenant,
      key,
      priority: 'default' as const,
    }
    const hangup = request.stream ? new AbortController() : hangupOf(c)
    const { signal } = hangup
    const [what, how]: [Job, AskOptions] =
      served.kind === 'duplex'
        ? [
            { ...job, kind: 'duplex' },
            { signal, input: wordsOf(request) },
          ]
        : [chatJob(job, request), { signal }]
    const { head, answer, stored } = once
      ? await answers.askOnce(what, once, how)
      : { head: what, answer: await answers.ask(what, how), stored: false }
    if (stored) c.get('headers')['idempotency-replayed'] = 'true'
    if (!request.stream) {
      const whole = await chatCompletion(answer, chatHeadOf(head))
      return c.json(whole, 200, answered(c, head.id))
    }
    return streamAnswer(c, answer, head, { includeUsage, log, hangup, ids })
  })

type Base = Omit<DuplexJob, 'kind' | 'tenant' | 'key' | 'priority' | 'reading'>

function base(request: ChatRequest, id: JobId, gateway: GatewayId): Base {
  const admittedAtMs = Date.now()
  return {
    id,
    model: request.model,
    gateway,
    admittedAtMs,
    deadlineAtMs: admittedAtMs + DEFAULT_DEADLINE_MS,
  }
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
function chatJob(job: Omit<DuplexJob, 'kind'>, request: ChatRequest): ChatJob {
  return {
    ...job,
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
      seed: (request.seed ?? randomU32()) >>> 0,
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
