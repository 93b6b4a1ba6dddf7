import { sql } from 'drizzle-orm'
import type { Limits } from '../../proto/limits.ts'
import { modelLimits } from '../schema/model-limits.ts'
import { projects } from '../schema/projects.ts'

/** By model, the limits of the project of the same row. */
export const limitsOfModels = sql<Record<string, Limits>>`(
  select coalesce(jsonb_object_agg(${modelLimits.model}, jsonb_build_object(
    'requestsPerMinute', ${modelLimits.requestsPerMinute},
    'tokensPerMinute', ${modelLimits.tokensPerMinute},
    'concurrentStreams', ${modelLimits.concurrentStreams},
    'audioSecondsPerMinute', ${modelLimits.audioSecondsPerMinute}
  )), '{}') from ${modelLimits} where ${modelLimits.project} = ${projects.id}
)`
