import { createRoute } from '@hono/zod-openapi'
import { ChatCompletion, ChatCompletionChunk, ChatRequest } from '../../proto/openai/chat.ts'
import { admission } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { chatCompletion } from '../stream/chat-completion.ts'
import { positionIn } from '../stream/position.ts'
import { asked } from './chat-choices.ts'
import { streamAnswer } from './stream-answer.ts'
import { resumeAnswer } from './streams.ts'
import { askingFailures } from './described.ts'

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
    ...askingFailures(),
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
    const choices = await asked(request, asker, { admit, hangup })
    if (request.stream)
      return streamAnswer(c, choices, { includeUsage, log, hangup, ids: asker.resumable })
    try {
      return c.json(await chatCompletion(choices), 200, answered(c, choices[0].head.id))
    } catch (thrown) {
      // One that failed fails them all: nobody waits for the others.
      hangup.abort()
      throw thrown
    }
  })
}
