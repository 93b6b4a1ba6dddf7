import type { GatewayId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import type { LedgerRecord } from '../../proto/ledger.ts'

/**
 * Who paid for what was made last, by the last record of a job. A gateway that took it over and did not come to write down what
 * those before hold spent nothing on it: what it was billed would be missing from its lease.
 */
export function formerOf(
  { gateway, funds }: Pick<Job, 'gateway' | 'funds'>,
  record: LedgerRecord | undefined,
): GatewayId {
  if (!record) return gateway
  return record.type === 'adopted' && funds && !record.inherited ? record.from : record.gateway
}
