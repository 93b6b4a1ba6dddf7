import { Command, InvalidArgumentError } from 'commander'
import type { JuneClient } from '../../client/june-client.ts'
import { KeyScope, type KeyView } from '../../proto/admin.ts'
import { table } from '../table.ts'

/** `june keys create|list|revoke` */
export function keysCommand(client: () => JuneClient, print: (text: string) => void): Command {
  const keys = new Command('keys').description('make, list and revoke API keys')
  keys
    .command('create')
    .description('make a key; its secret is printed this once')
    .argument('<name>', 'what the key is for, such as "my app"')
    .option('--requests-per-minute <n>', 'how many requests it may make a minute', positive, 600)
    .option(
      '--scope <scope>',
      'developer, or admin for keys that manage keys',
      scope,
      'developer' as const,
    )
    .action(async (name: string, options: { requestsPerMinute: number; scope: KeyScope }) => {
      const created = await client().createKey({ name, ...options })
      print(
        `${created.id}\n${created.secret}\n\nKeep it: it is stored only as a hash and never shown again.`,
      )
    })
  keys
    .command('list')
    .description('all keys, without their secrets')
    .action(async () =>
      print(
        table(
          ['id', 'name', 'secret', 'scope', 'requests/min', 'state'],
          (await client().listKeys()).map(row),
        ),
      ),
    )
  keys
    .command('revoke')
    .description('end a key, on every gateway within a second')
    .argument('<id>', 'the id that "list" shows: key_…')
    .action(async (id: string) => {
      const key = await client().revokeKey(id)
      print(`${key.id} (${key.name}) is revoked.`)
    })
  return keys
}

const row = ({ id, name, hint, scope: held, requestsPerMinute, revokedAt }: KeyView): string[] => [
  id,
  name,
  `…${hint}`,
  held,
  String(requestsPerMinute),
  revokedAt ? `revoked ${revokedAt}` : 'live',
]

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.')
  return value
}

function scope(text: string): KeyScope {
  const parsed = KeyScope.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('It must be "developer" or "admin".')
  return parsed.data
}
