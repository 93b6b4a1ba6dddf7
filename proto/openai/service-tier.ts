import { z } from 'zod'
import type { Priority } from '../job.ts'

/** How long a request may wait beside others, in OpenAI's words for it. */
export const ServiceTier = z.enum(['auto', 'default', 'flex', 'scale', 'priority'])
export type ServiceTier = z.infer<typeof ServiceTier>

/** What it is here, and how an answer calls that. */
export const TIERS: Record<ServiceTier, { priority: Priority; told: ToldTier }> = {
  auto: { priority: 'default', told: 'default' },
  default: { priority: 'default', told: 'default' },
  scale: { priority: 'default', told: 'default' },
  flex: { priority: 'batch', told: 'flex' },
  priority: { priority: 'interactive', told: 'priority' },
}

export const ToldTier = z.enum(['default', 'flex', 'priority'])
export type ToldTier = z.infer<typeof ToldTier>
