import { createRoute } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { newJobId } from '../../proto/ids.ts'
import { endUserOf } from '../../proto/openai/end-user.ts'
import type { ChatMessage } from '../../proto/job.ts'
import { ResponseEvent } from '../../proto/openai/response-events.ts'
import {
  ResponseObject,
  ResponseRequest,
  type ResponseSettings,
} from '../../proto/openai/responses.ts'
import { TIERS } from '../../proto/openai/service-tier.ts'
import type { StoredResponse } from '../../proto/stored-response.ts'
import { admission, type Admit, type Admitted, type Wanted } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf, type Asker } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { tierOf } from '../admission/tier-of.ts'
import { router } from '../http.ts'
import type { Ports, Responses } from '../ports.ts'
import { pastOf } from '../responses/conversation.ts'
import { itemsOf } from '../responses/input-items.ts'
import { messagesOf } from '../responses/messages.ts'
import { referredBy } from '../responses/referred.ts'
import { responseAt, settingsOf } from '../responses/response-object.ts'
import { responseEvents } from '../responses/response-events.ts'
import { wholeResponse } from '../responses/whole-response.ts'
import { workOf } from '../responses/work.ts'
import { oneByOne } from '../stream/one-by-one.ts'
import { partsOf } from '../stream/parts.ts'
import { streamResponse } from './stream-response.ts'
import { askingFailures } from './described.ts'

const create = createRoute({
  method: 'post',
  path: '/v1/responses',
  tags: ['Responses'],
  summary: 'Answer a conversation that is kept, whole, as a stream of events or in the background',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: ResponseRequest } } },
  },
  responses: {
    200: {
      description:
        'The response; with "stream": true, its events, the last of which says how it ended',
      content: {
        'application/json': { schema: ResponseObject },
        'text/event-stream': { schema: ResponseEvent },
      },
    },
    ...askingFailures(),
  },
})

export const responseRoutes = ({
  answers,
  catalogue,
  limiter,
  responses,
  log,
}: Pick<Ports, 'answers' | 'catalogue' | 'limiter' | 'responses' | 'log'>) => {
  const admit = admission({ answers, catalogue, limiter })
  return router().openapi(create, async (c) => {
    const said = c.req.valid('json')
    const background = said.background ?? false
    const stream = said.stream ?? false
    const hangup = stream || background ? new AbortController() : hangupOf(c)
    const asker = await askerOf(c, { route: create.path, signal: hangup.signal })
    const request = { ...said, service_tier: tierOf(said, asker) }
    const settings = settingsOf(request)
    if (asker.resumable && !settings.store) throw unkept()
    const asked = await askedOf(request, asker, responses)
    const { head, answer } = await admitKept(admit, asker, { request, settings, asked, responses })
    const base = responseAt(background ? 'queued' : 'in_progress', {
      id: head.id,
      createdAtMs: head.admittedAtMs,
      settings,
    })
    if (stream) {
      const { signal } = hangup
      const parts = partsOf(oneByOne(answer), head)
      const told = responseEvents(parts, base, { after: -1, log, signal })
      return streamResponse(c, told, { id: head.id, hangup })
    }
    if (background) {
      // Nobody reads on here: it goes on by itself.
      hangup.abort()
      return c.json(base, 200, answered(c, head.id))
    }
    const whole = await wholeResponse(partsOf(answer, head), base).catch(namedHere)
    return c.json(whole, 200, answered(c, head.id))
  })
}

interface Asked extends Pick<StoredResponse, 'id' | 'ancestors' | 'input'> {
  messages: ChatMessage[]
}

/** What is asked, with the conversation that it goes on with. */
async function askedOf(
  request: ResponseRequest,
  { key: { project: tenant } }: Asker,
  responses: Responses,
): Promise<Asked> {
  const id = newJobId()
  const [past, referred] = await Promise.all([
    pastOf(request.previous_response_id, tenant, responses),
    referredBy(request, tenant, responses),
  ])
  const input = itemsOf(request, id, referred)
  const messages = messagesOf(request.instructions ?? null, [...past.items, ...input])
  return { id, ancestors: past.ancestors, input, messages }
}

interface Keeping {
  request: ResponseRequest
  settings: ResponseSettings
  asked: Asked
  responses: Responses
}

/** Admits a response once what is asked of it is on disk; one that is refused leaves nothing there. */
async function admitKept(
  admit: Admit,
  asker: Asker,
  { request, settings, asked, responses }: Keeping,
): Promise<Admitted> {
  const { messages, ...stored } = asked
  const { store, background } = settings
  const tier = request.service_tier && TIERS[request.service_tier]
  const who = { ...asker, resumable: store, ...(tier && { priority: tier.priority }) }
  const endsWithReader = !background && !asker.resumable && !asker.once
  const wanted: Wanted = {
    model: request.model,
    id: asked.id,
    user: endUserOf(request),
    work: (served) => workOf(request, messages, served),
  }
  if (!store) return admit(who, wanted)
  let put = false
  const forget = async (): Promise<void> => {
    if (put) await responses.remove(asked.id).catch(() => undefined)
  }
  try {
    const admitted = await admit(who, {
      ...wanted,
      reading: { stored: true, ...(endsWithReader && { endsWithReader }) },
      before: async ({ tenant, admittedAtMs: createdAtMs, deadlineAtMs }) => {
        put = true
        await responses.put({ ...stored, tenant, createdAtMs, deadlineAtMs, settings })
      },
    })
    // The same request was made before: that one is kept.
    if (admitted.head.id !== asked.id) await forget()
    return admitted
  } catch (thrown) {
    await forget()
    throw thrown
  }
}

const unkept = (): Failure =>
  new Failure('invalid', 'A response with "store": false cannot be resumed.', {
    param: 'x-stream-resume',
  })

/** Workers name the fields of a chat: here they have other names. */
const HERE: Readonly<Record<string, string>> = {
  messages: 'input',
  response_format: 'text.format',
}

function namedHere(thrown: unknown): never {
  if (!(thrown instanceof Failure) || thrown.param === null) throw thrown
  const { code, message, param } = thrown
  throw new Failure(code, message, { param: HERE[param] ?? param, cause: thrown })
}
