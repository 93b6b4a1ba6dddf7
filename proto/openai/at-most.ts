import { z } from 'zod'

/** Refuses before zod looks at the elements: it says of every one what is wrong with it, however many there are. */
export const atMost =
  (most: number) =>
  (value: unknown, context: z.core.$RefinementCtx): unknown => {
    if (Array.isArray(value) && value.length > most)
      context.addIssue({ code: 'custom', message: `At most ${most} are possible.` })
    return value
  }

/** A list of so many elements at most. */
export const listOf = <E extends z.ZodType>(element: E, most: number) =>
  z.preprocess(atMost(most), z.array(element).max(most))
