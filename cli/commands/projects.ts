import { Command } from 'commander'
import type { TenancyClient } from '../../client/tenancy-client.ts'
import type { OrganisationId } from '../../proto/ids.ts'
import type { ProjectPatch, ProjectView } from '../../proto/organisations.ts'
import {
  limitCells,
  limitHeads,
  limitsIn,
  withLimits,
  type LimitOptions,
} from '../options/limits.ts'
import { listing, type Listing } from '../options/listing.ts'
import { printer, rows, type Print } from '../printer.ts'

type Json = { json?: true }

/** `june projects create|list|rename|archive|restore` */
export function projectsCommand(client: () => TenancyClient, print: Print): Command {
  const projects = new Command('projects').description('make, list and archive projects')
  const tell = printer(print)
  const one = (json: true | undefined, project: ProjectView): void =>
    tell(json, project, () => rows(HEADS, [project], cells))
  const change = (name: string, description: string, patch: ProjectPatch): void =>
    void projects
      .command(name)
      .description(description)
      .argument('<id>', ID)
      .option('--json', 'as the API has it')
      .action(async (id: string, { json }: Json) =>
        one(json, await client().updateProject(id, patch)),
      )

  withLimits(projects.command('create'))
    .description('make a project')
    .argument('<name>')
    .option('--organisation <id>', 'where it belongs (default: that of your own key)')
    .option('--json', 'as the API has it')
    .action(
      async (name: string, options: LimitOptions & Json & { organisation?: OrganisationId }) => {
        const { organisation, json } = options
        one(json, await client().createProject({ name, organisation, ...limitsIn(options) }))
      },
    )
  listing(projects.command('list'))
    .description('projects that you may see')
    .option('--organisation <id>', 'of this organisation alone')
    .action(async ({ json, ...which }: Listing & { organisation?: OrganisationId }) => {
      const found = await client().listProjects(which)
      tell(json, found, () => rows(HEADS, found, cells))
    })
  projects
    .command('rename')
    .description('give a project another name')
    .argument('<id>', ID)
    .argument('<name>')
    .option('--json', 'as the API has it')
    .action(async (id: string, name: string, { json }: Json) =>
      one(json, await client().updateProject(id, { name })),
    )
  change('archive', 'its keys open nothing, on every gateway within a second', { archived: true })
  change('restore', 'what was archived opens again', { archived: false })
  return projects
}

const ID = 'the id that "list" shows: proj_…'
const HEADS = ['id', 'name', 'organisation', ...limitHeads, 'state']

const cells = (project: ProjectView): string[] => [
  project.id,
  project.name,
  project.organisation,
  ...limitCells(project),
  project.archivedAt ? `archived ${project.archivedAt}` : 'live',
]
