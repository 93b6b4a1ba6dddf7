import { z } from 'zod'

/** Which part of a list, the newest first. `after` is the id of the last one that was seen. */
export const Paging = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z
    .string()
    .regex(/^[a-z]{1,10}_[0-9a-f-]{36}$/, 'It is an id from the page before.')
    .optional(),
})
export type Paging = z.infer<typeof Paging>

export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({ data: z.array(item), hasMore: z.boolean() })

export interface Page<T> {
  data: T[]
  /** There are more after the last one. */
  hasMore: boolean
}
