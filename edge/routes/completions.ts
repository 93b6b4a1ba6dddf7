import { createRoute } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { Completion, CompletionChunk, CompletionRequest } from '../../proto/openai/completions.ts'
import { admission } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { choicesOf } from '../completions/choices.ts'
import { completionHeadOf } from '../completions/completion-head.ts'
import { wholeCompletion } from '../completions/whole-completion.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { positionIn } from '../stream/position.ts'
import { streamCompletion } from './stream-completion.ts'
import { resumeAnswer } from './streams.ts'
import { askingFailures } from './described.ts'

const complete = createRoute({
  method: 'post',
  path: '/v1/completions',
  tags: ['Completions'],
  summary: 'Go on with a text as it is, whole or as a stream of events',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: CompletionRequest } } },
  },
  responses: {
    200: {
      description: 'The completion; with "stream": true, events of chunks and then [DONE]',
      content: {
        'application/json': { schema: Completion },
        'text/event-stream': { schema: CompletionChunk },
      },
    },
    ...askingFailures(),
  },
})

export const completionRoutes = ({
  answers,
  catalogue,
  limiter,
  log,
}: Pick<Ports, 'answers' | 'catalogue' | 'limiter' | 'log'>) => {
  const admit = admission({ answers, catalogue, limiter })
  return router().openapi(complete, async (c) => {
    const request = c.req.valid('json')
    const position = request.stream ? positionIn(c.req.header('last-event-id')) : undefined
    if (position) return resumeAnswer(c, position, { answers, log })
    const hangup = request.stream ? new AbortController() : hangupOf(c)
    const asker = await askerOf(c, { route: complete.path, signal: hangup.signal })
    if (asker.resumable && (typeof request.prompt !== 'string' || (request.n ?? 1) > 1))
      throw unresumable()
    const choices = await choicesOf(admit, asker, { request, hangup })
    const [first] = choices
    if (!first) throw new Failure('internal', 'A completion has no choice.')
    if (!request.stream) {
      const head = completionHeadOf(first.head)
      const whole = await wholeCompletion(choices, head).finally(() => hangup.abort())
      return c.json(whole, 200, answered(c, first.head.id))
    }
    return streamCompletion(c, choices, {
      head: first.head,
      includeUsage: request.stream_options?.include_usage ?? false,
      log,
      hangup,
      ids: asker.resumable,
    })
  })
}

const unresumable = (): Failure =>
  new Failure(
    'invalid',
    'Only a stream of one choice can be resumed: send one prompt, and n = 1.',
    {
      param: 'x-stream-resume',
    },
  )
