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

/** A field that would change the answer and cannot be honoured, with the values that ask for nothing and the remedy. */
export const unsupported = (asksNothing: (value: unknown) => boolean, remedy = 'leave it out') =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null || asksNothing(value), {
      error: ({ path }) => `${String(path?.at(-1) ?? 'This')} is not supported: ${remedy}.`,
    })
    .optional()

export const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Looked at and not made into text: what a stranger nests deeply enough would end the stack. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
