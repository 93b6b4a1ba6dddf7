import type { ResponseObject } from '../../proto/openai/responses.ts'
import type { Part } from '../stream/parts.ts'
import { tellResponse } from './tell-response.ts'

/** The whole response at once, for a caller that does not stream. Throws the `Failure` of its job. */
export async function wholeResponse(
  parts: AsyncIterable<readonly Part[]>,
  base: ResponseObject,
): Promise<ResponseObject> {
  const telling = tellResponse(base, () => undefined)
  for await (const some of parts) for (const part of some) telling.tell(part)
  return telling.response()
}
