import type { GatewayId } from '../../proto/ids.ts'
import { jobIn, messagesOf } from './adopt.ts'
import type { Desk } from './desk.ts'
import { lastRecord } from './ledger.ts'

/** The gateways from whose leases a job that is not over may yet be paid: whoever has it, had it, or let it in. */
export async function gatewaysOwed(desk: Desk): Promise<ReadonlySet<GatewayId>> {
  const owed = new Set<GatewayId>()
  for (const subject of ['job.>', 'held.>'])
    for await (const message of messagesOf(desk, subject)) {
      const job = jobIn(message)
      if (!job?.funds) continue
      const record = (await lastRecord(desk, job.id))?.record
      if (record?.type === 'final') continue
      owed.add(job.gateway)
      if (!record) continue
      owed.add(record.gateway)
      if (record.type === 'adopted') owed.add(record.from)
      for (const { gateway } of record.paid ?? []) owed.add(gateway)
    }
  return owed
}
