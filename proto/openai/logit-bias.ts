import { z } from 'zod'
import { MAX_LOGIT_BIAS, type Sampling } from '../job.ts'
import { isObject } from './fields.ts'

/** Of tokens, by their ids. Counted before zod looks at each of them. */
export const LogitBias = z.preprocess(
  (value, context) => {
    if (isObject(value) && Object.keys(value).length > MAX_LOGIT_BIAS)
      context.addIssue({ code: 'custom', message: `At most ${MAX_LOGIT_BIAS} are possible.` })
    return value
  },
  z
    .record(
      z.string().regex(/^\d{1,9}$/, { error: 'Its keys must be token ids, as strings.' }),
      z.number().min(-100).max(100),
    )
    .nullish(),
)

/** What a job's sampling says of it; nothing where nothing is asked. */
export function biasOf(asked: z.infer<typeof LogitBias>): Sampling['logitBias'] {
  const bias = Object.entries(asked ?? {}).map(([id, its]): [number, number] => [Number(id), its])
  return bias.length > 0 ? bias : undefined
}
