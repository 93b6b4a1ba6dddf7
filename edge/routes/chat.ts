import { createRoute } from '@hono/zod-openapi'
import { newJobId, type GatewayId, type JobId } from '../../proto/ids.ts'
import { DEFAULT_DEADLINE_MS, type ChatJob, type DuplexJob } from '../../proto/job.ts'
import { ChatCompletion, ChatCompletionChunk, ChatRequest } from '../../proto/openai/chat.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { monotonicMs } from '../clock.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { bodyOf } from '../stream/body.ts'
import { chatCompletion } from '../stream/chat-completion.ts'
import { chatEvents } from '../stream/chat-events.ts'
import type { ChatHead } from '../stream/chat-parts.ts'

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
    const served = await catalogue.find(request.model)
    if (!served) throw unknownModel(request.model)
    const id = newJobId()
    const job = { ...base(request, id, await answers.gateway()), tenant: c.get('key').id }
    const hangup = new AbortController()
    const asked =
      served.kind === 'duplex'
        ? answers.ask({ ...job, kind: 'duplex' } satisfies DuplexJob, {
            signal: hangup.signal,
            input: wordsOf(request),
          })
        : answers.ask(chatJob(job, request), { signal: hangup.signal })
    const headers = c.get('headers')
    headers['x-generation-id'] = id
    const head: ChatHead = {
      id: `chatcmpl-${id.slice(4)}`,
      created: Math.floor(job.admittedAtMs / 1000),
      model: request.model,
    }
    if (!request.stream) {
      const { signal } = c.req.raw
      signal.addEventListener('abort', () => hangup.abort(), { once: true })
      // A listener hears nothing of what was over before it came.
      if (signal.aborted) hangup.abort()
      const answer = await chatCompletion(await asked, head)
      headers['openai-processing-ms'] = String(Math.round(monotonicMs() - c.get('startedAtMs')))
      return c.json(answer, 200, headers)
    }
    const answer = await asked
    headers['openai-processing-ms'] = String(Math.round(monotonicMs() - c.get('startedAtMs')))
    const includeUsage = request.stream_options?.include_usage ?? false
    const events = chatEvents(answer, head, { includeUsage, log, signal: hangup.signal })
    return c.body(
      bodyOf(events, () => hangup.abort()),
      200,
      { ...headers, ...STREAM_HEADERS },
    )
  })

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

type Base = Omit<DuplexJob, 'kind' | 'tenant'>

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

/** Everything the request left open is fixed here, so that any worker continues alike. */
function chatJob(job: Base & { tenant: string }, request: ChatRequest): ChatJob {
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
      seed: (request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 0,
      maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
      stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
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
