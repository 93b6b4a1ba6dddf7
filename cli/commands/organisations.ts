import { Command } from 'commander'
import type { TenancyClient } from '../../client/tenancy-client.ts'
import type { OrganisationPatch, OrganisationView } from '../../proto/organisations.ts'
import { listing, type Listing } from '../options/listing.ts'
import { printer, rows, type Print } from '../printer.ts'

/** `june orgs create|list|rename|archive|restore` */
export function organisationsCommand(client: () => TenancyClient, print: Print): Command {
  const orgs = new Command('orgs')
    .alias('organisations')
    .description('make, list and archive organisations')
  const tell = printer(print)
  const one = (json: true | undefined, organisation: OrganisationView): void =>
    tell(json, organisation, () => rows(HEADS, [organisation], cells))
  const change = (name: string, description: string, patch: OrganisationPatch): void =>
    void orgs
      .command(name)
      .description(description)
      .argument('<id>', ID)
      .option('--json', 'as the API has it')
      .action(async (id: string, { json }: { json?: true }) =>
        one(json, await client().updateOrganisation(id, patch)),
      )

  orgs
    .command('create')
    .description('make an organisation')
    .argument('<name>')
    .option('--json', 'as the API has it')
    .action(async (name: string, { json }: { json?: true }) =>
      one(json, await client().createOrganisation(name)),
    )
  listing(orgs.command('list'))
    .description('organisations that you may see')
    .action(async ({ limit, json }: Listing) => {
      const found = await client().listOrganisations({ limit })
      tell(json, found, () => rows(HEADS, found, cells))
    })
  orgs
    .command('rename')
    .description('give an organisation another name')
    .argument('<id>', ID)
    .argument('<name>')
    .option('--json', 'as the API has it')
    .action(async (id: string, name: string, { json }: { json?: true }) =>
      one(json, await client().updateOrganisation(id, { name })),
    )
  change('archive', 'its keys open nothing, on every gateway within a second', { archived: true })
  change('restore', 'what was archived opens again', { archived: false })
  return orgs
}

const ID = 'the id that "list" shows: org_…'
const HEADS = ['id', 'name', 'made', 'state']

const cells = ({ id, name, createdAt, archivedAt }: OrganisationView): string[] => [
  id,
  name,
  createdAt,
  archivedAt ? `archived ${archivedAt}` : 'live',
]
