import { Command, Option } from 'commander'
import type { TenancyClient } from '../../client/tenancy-client.ts'
import {
  KeyScope,
  Reach,
  type CreatedKey,
  type KeyPatch,
  type KeyView,
  type NewKey,
} from '../../proto/admin.ts'
import type { OrganisationId, ProjectId } from '../../proto/ids.ts'
import type { RouteFamily } from '../../proto/scopes.ts'
import { limitsIn, withLimits, type LimitOptions } from '../options/limits.ts'
import { listing, type Listing } from '../options/listing.ts'
import { boundOf, cidrs, models, routes, type Bound } from '../options/lists.ts'
import { moment, span } from '../options/spans.ts'
import { printer, rows, type Print } from '../printer.ts'

interface Bounds extends LimitOptions {
  routes?: Bound<RouteFamily>
  models?: Bound<string>
  cidrs?: Bound<string>
  expires?: string
  json?: true
}

/** `june keys create|list|show|update|rotate|revoke` */
export function keysCommand(client: () => TenancyClient, print: Print): Command {
  const keys = new Command('keys').description('make, list, change, rotate and revoke API keys')
  const tell = printer(print)
  const made = (json: true | undefined, key: CreatedKey): void =>
    tell(json, key, () => `${key.id}\n${key.secret}\n\n${KEEP_IT}`)

  bounded(keys.command('create'))
    .description('make a key; its secret is printed this once')
    .argument('<name>', 'what the key is for, such as "my app"')
    .option('--project <id>', 'where it belongs (default: the project of your own key)')
    .addOption(
      new Option('--scope <scope>', 'what it is for: requests, or managing June as well')
        .choices(KeyScope.options)
        .default('developer'),
    )
    .addOption(new Option('--reach <reach>', 'what an admin key manages').choices(Reach.options))
    .action(async (name: string, options: Bounds & Pick<NewKey, 'project' | 'scope' | 'reach'>) => {
      const { project, scope, reach, json } = options
      const wanted = { ...patchIn(options), name, project, scope, reach }
      made(json, await client().createKey(wanted))
    })
  listing(keys.command('list'))
    .description('keys, without their secrets')
    .option('--project <id>', 'of this project alone')
    .option('--organisation <id>', 'of this organisation alone')
    .option('--live', 'without those that were revoked or have expired')
    .action(async ({ live, json, ...which }: Listing & Filters) => {
      const found = await client().listKeys({ ...which, ...(live && { state: 'live' }) })
      tell(json, found, () => rows(HEADS, found, cells))
    })
  keys
    .command('show')
    .description('all that one key is held to')
    .argument('<id>', ID)
    .action(async (id: string) => print(JSON.stringify(await client().readKey(id), null, 2)))
  bounded(keys.command('update'))
    .description('change what a key is called, is held to and may take')
    .argument('<id>', ID)
    .option('--name <name>', 'another name')
    .action(async (id: string, { name, ...options }: Bounds & { name?: string }) => {
      const key = await client().updateKey(id, { ...patchIn(options), ...(name && { name }) })
      tell(options.json, key, () => rows(HEADS, [key], cells))
    })
  keys
    .command('rotate')
    .description('give a key a new secret, which is printed this once')
    .argument('<id>', ID)
    .option(
      '--overlap <span>',
      'how long the secret before goes on, such as 12h; 0 ends it',
      span,
      3_600,
    )
    .option('--json', 'as the API has it')
    .action(async (id: string, { overlap, json }: { overlap: number; json?: true }) =>
      made(json, await client().rotateKey(id, { overlapSeconds: overlap })),
    )
  keys
    .command('revoke')
    .description('end a key, on every gateway within a second')
    .argument('<id>', ID)
    .option('--json', 'as the API has it')
    .action(async (id: string, { json }: { json?: true }) => {
      const key = await client().revokeKey(id)
      tell(json, key, () => `${key.id} (${key.name}) is revoked.`)
    })
  return keys
}

interface Filters {
  project?: ProjectId
  organisation?: OrganisationId
  live?: true
}

const ID = 'the id that "list" shows: key_…'
const KEEP_IT = 'Keep it: it is stored only as a hash and never shown again.'

const bounded = (command: Command): Command =>
  withLimits(command)
    .option('--routes <families>', 'such as chat,embeddings, or all', routes)
    .option('--models <names>', 'such as june-chat,qwen3-*, or all', models)
    .option('--cidrs <ranges>', 'such as 203.0.113.0/24, or all', cidrs)
    .option('--expires <when>', 'such as 30d, 2030-01-01, or never', (text) => moment(text))
    .option('--json', 'as the API has it')

function patchIn({ routes: of, models: with_, cidrs: from, expires, ...rest }: Bounds): KeyPatch {
  return {
    ...limitsIn(rest),
    ...(of !== undefined && { routes: boundOf(of) }),
    ...(with_ !== undefined && { models: boundOf(with_) }),
    ...(from !== undefined && { cidrs: boundOf(from) }),
    ...(expires !== undefined && { expiresAt: expires === 'never' ? null : expires }),
  }
}

const HEADS = ['id', 'name', 'secret', 'scope', 'project', 'requests/min', 'state']

const cells = (key: KeyView): string[] => [
  key.id,
  key.name,
  key.former ? `…${key.hint}, …${key.former.hint}` : `…${key.hint}`,
  key.reach ? `${key.scope} of the ${key.reach}` : key.scope,
  key.project,
  key.requestsPerMinute === null ? '-' : String(key.requestsPerMinute),
  stateOf(key),
]

function stateOf({ revokedAt, expiresAt, former }: KeyView): string {
  if (revokedAt) return `revoked ${revokedAt}`
  if (expiresAt) return `${Date.parse(expiresAt) <= Date.now() ? 'expired' : 'until'} ${expiresAt}`
  return former ? `live, both secrets until ${former.expiresAt}` : 'live'
}
