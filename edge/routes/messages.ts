import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { Failure } from '../../proto/failure.ts'
import {
  CountRequest,
  MessagesError,
  MessagesRequest,
  MessagesResponse,
  TokenCount,
} from '../../proto/anthropic/messages.ts'
import { admission, type Work } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { otherKind } from '../catalogue/other-kind.ts'
import { router, type AppEnv } from '../http.ts'
import { callingIn } from '../messages/calling.ts'
import { messageHead } from '../messages/head.ts'
import { messageEvents, messageOpening } from '../messages/message-events.ts'
import { COUNTING, samplingOf } from '../messages/sampling.ts'
import { turnsOf } from '../messages/turns.ts'
import { wholeMessage } from '../messages/whole-message.ts'
import type { Log, Ports, Served } from '../ports.ts'
import { bodyOf } from '../stream/body.ts'
import { partsOf, type Part } from '../stream/parts.ts'
import { STREAM_HEADERS } from './stream-answer.ts'

const refused = { content: { 'application/json': { schema: MessagesError } } }
const refusals = {
  400: { description: 'invalid', ...refused },
  401: { description: 'unauthenticated', ...refused },
  403: { description: 'forbidden', ...refused },
  404: { description: 'model not found', ...refused },
  429: { description: 'rate limited', ...refused },
  503: { description: 'overloaded', ...refused },
}

const create = createRoute({
  method: 'post',
  path: '/v1/messages',
  tags: ['Messages'],
  summary: 'Answer a conversation as Anthropic’s API does, whole or as a stream of events',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: MessagesRequest } } },
  },
  responses: {
    200: {
      description: 'The answer; with "stream": true, events from message_start to message_stop',
      content: {
        'application/json': { schema: MessagesResponse },
        'text/event-stream': { schema: z.string() },
      },
    },
    ...refusals,
  },
})

const count = createRoute({
  method: 'post',
  path: '/v1/messages/count_tokens',
  tags: ['Messages'],
  summary: 'How many tokens a prompt has, by the model itself',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: CountRequest } } },
  },
  responses: {
    200: { description: 'The count', content: { 'application/json': { schema: TokenCount } } },
    ...refusals,
  },
})

export const messageRoutes = ({
  answers,
  catalogue,
  limiter,
  log,
}: Pick<Ports, 'answers' | 'catalogue' | 'limiter' | 'log'>) => {
  const admit = admission({ answers, catalogue, limiter })
  return router()
    .openapi(create, async (c) => {
      const request = c.req.valid('json')
      const headers = c.get('headers')
      headers['request-id'] = c.get('requestId')
      // Of a stream its body hears when the reader goes.
      const hangup = request.stream ? new AbortController() : hangupOf(c)
      const asker = await askerOf(c, { route: create.path, signal: hangup.signal })
      if (c.req.header('x-stream-resume') === '1')
        throw new Failure(
          'invalid',
          'A stream of messages cannot be resumed: leave x-stream-resume out, or use /v1/chat/completions.',
          { param: 'x-stream-resume' },
        )
      const { head, answer } = await admit(asker, {
        model: request.model,
        user: request.metadata?.user_id ?? undefined,
        work: (served) => workOf(request, served, samplingOf(request)),
      })
      const message = messageHead(head)
      const parts = partsOf(answer, head)
      if (!request.stream)
        return c.json(await wholeMessage(parts, message), 200, answered(c, head.id))
      return streamed(c, parts, { message, hangup, log })
    })
    .openapi(count, async (c) => {
      const request = c.req.valid('json')
      c.get('headers')['request-id'] = c.get('requestId')
      const asker = await askerOf(c, { route: count.path, signal: hangupOf(c).signal })
      const { head, answer } = await admit(asker, {
        model: request.model,
        work: (served) => workOf(request, served, COUNTING),
      })
      for await (const parts of partsOf(answer, head)) {
        const end = parts.at(-1)
        if (end?.kind === 'end')
          return c.json({ input_tokens: end.usage.promptTokens }, 200, answered(c, head.id))
      }
      throw new Failure('internal', 'The prompt could not be counted.')
    })
}

function workOf(
  request: CountRequest,
  served: Served,
  sampling: Extract<Work, { kind: 'chat' }>['sampling'],
): Work {
  if (served.kind !== 'chat') throw otherKind(served, 'chat')
  const calling = callingIn(request)
  return { kind: 'chat', messages: turnsOf(request), ...(calling && { calling }), sampling }
}

function streamed(
  c: Context<AppEnv>,
  parts: AsyncIterable<readonly Part[]>,
  { message, hangup, log }: { message: MessagesResponse; hangup: AbortController; log: Log },
): Response {
  const options = { requestId: c.get('requestId'), log, signal: hangup.signal }
  const body = bodyOf(messageEvents(parts, options), {
    opening: messageOpening(message),
    onHangup: () => hangup.abort(),
  })
  return c.body(body, 200, { ...c.get('headers'), ...STREAM_HEADERS })
}
