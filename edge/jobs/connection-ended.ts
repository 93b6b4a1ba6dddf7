import { z } from 'zod'

/** The server's word that a connection ended: whose it was, and its number. Its name is left out, for anybody may choose one. */
export const ConnectionEnded = z.object({ client: z.object({ id: z.int(), user: z.string() }) })
