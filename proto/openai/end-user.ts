import { z } from 'zod'
import { EndUserName } from '../end-user-name.ts'

const name = EndUserName.nullish()

/** Whom an app asks for, in OpenAI's two fields for it: the second is the newer. For usage alone. */
export const EndUser = z.object({ user: name, safety_identifier: name })

export const endUserOf = (request: z.infer<typeof EndUser>): string | undefined =>
  (request.safety_identifier ?? request.user) || undefined
