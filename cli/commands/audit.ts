import { Command, Option } from 'commander'
import type { TenancyClient } from '../../client/tenancy-client.ts'
import { AuditAction, type AuditEntry, type AuditQuery } from '../../proto/audit.ts'
import { listing, type Listing } from '../options/listing.ts'
import { printer, rows, type Print } from '../printer.ts'
import { when } from '../when.ts'

type Filters = Pick<AuditQuery, 'actor' | 'target' | 'action' | 'organisation' | 'project'> &
  Listing & { since?: string; until?: string }

/** `june audit` */
export function auditCommand(client: () => TenancyClient, print: Print): Command {
  const tell = printer(print)
  return listing(new Command('audit'))
    .description('what admins did, the newest first')
    .option('--actor <id>', 'by this key alone')
    .option('--target <id>', 'to this alone: org_…, proj_…, key_…')
    .addOption(new Option('--action <action>', 'this alone').choices(AuditAction.options))
    .option('--organisation <id>', 'in this organisation alone')
    .option('--project <id>', 'in this project alone')
    .option('--since <when>', 'from when on, such as 7d, 12h or 2026-11-01', time)
    .option('--until <when>', 'until when', time)
    .action(async ({ json, ...which }: Filters) => {
      const found = await client().audit(which)
      tell(json, found, () => rows(HEADS, found, cells))
    })
}

const time = (text: string): string => new Date(when(text) * 1000).toISOString()

const HEADS = ['at', 'actor', 'action', 'target', 'from', 'changed']

const cells = (entry: AuditEntry): string[] => [
  entry.at,
  entry.actor,
  entry.action,
  entry.target,
  entry.address ?? '-',
  changesOf(entry),
]

/** Which fields are others than before, and what they are now. */
function changesOf({ before, after }: AuditEntry): string {
  if (!before || !after) return ''
  return Object.entries(after)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ')
}
