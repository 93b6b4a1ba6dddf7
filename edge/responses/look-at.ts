import { Failure } from '../../proto/failure.ts'
import type { ResponseObject } from '../../proto/openai/responses.ts'
import type { Looked } from '../ports.ts'
import { apart } from '../stream/one-by-one.ts'
import { partsReader } from '../stream/parts.ts'
import { responseAt } from './response-object.ts'
import { tellResponse, type Emit, type Telling } from './tell-response.ts'

/** How its first event shows a response: one in the background is let wait, any other is waited for. */
export const firstOf = ({ asked }: Pick<Looked, 'asked'>): ResponseObject =>
  responseAt(asked.settings.background ? 'queued' : 'in_progress', asked)

/** A stored response as it is now. */
export function responseIn(looked: Looked): ResponseObject {
  const { asked, fate } = looked
  if (fate.state !== 'over') return responseAt(fate.state, asked)
  return retell(looked, () => undefined).response()
}

/** Tells one that is over again, from its first event to its last. */
export function retell(looked: Looked, emit: Emit): Telling {
  const telling = tellResponse(firstOf(looked), emit)
  telling.begin()
  const { asked, fate } = looked
  if (fate.state !== 'over') return telling
  const parts = partsReader({ id: asked.id, reading: fate.reading })(apart(fate.frames))
  for (const part of parts) telling.tell(part)
  if (fate.failure) telling.fail(Failure.of(fate.failure))
  return telling
}
