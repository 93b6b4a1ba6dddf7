import type { ServiceTier } from '../../proto/openai/service-tier.ts'
import type { Asker } from './asker.ts'

/** The tier that a request asks for. A line of a batch has no say in it: it waits, and is paid for, as a batch. */
export const tierOf = (
  { service_tier: tier }: { service_tier?: ServiceTier | null | undefined },
  { priority }: Pick<Asker, 'priority'>,
): ServiceTier | undefined => (priority === 'batch' ? undefined : (tier ?? undefined))
