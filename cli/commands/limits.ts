import { Command } from 'commander'
import type { TenancyClient } from '../../client/tenancy-client.ts'
import type { ProjectView } from '../../proto/organisations.ts'
import {
  limitCells,
  limitHeads,
  limitsIn,
  withLimits,
  type LimitOptions,
} from '../options/limits.ts'
import { printer, rows, type Print } from '../printer.ts'

interface Options extends LimitOptions {
  model?: string
  json?: true
}

/** `june limits show|set|remove`, of a project. Those of a key are set with `june keys`. */
export function limitsCommand(client: () => TenancyClient, print: Print): Command {
  const limits = new Command('limits').description(
    'what all keys of a project may take together, in all or of one model',
  )
  const tell = printer(print)
  const told = (json: true | undefined, project: ProjectView): void =>
    tell(json, project, () => rows(['of', ...limitHeads], linesOf(project), (cells) => cells))

  limits
    .command('show')
    .description('the limits of a project')
    .argument('<project>', ID)
    .option('--json', 'as the API has it')
    .action(async (id: string, { json }: Options) => told(json, await client().readProject(id)))
  withLimits(limits.command('set'))
    .description('set limits; with --model what is left out is no limit, else it stays as it is')
    .argument('<project>', ID)
    .option('--model <name>', 'of this model alone')
    .option('--json', 'as the API has it')
    .action(async (id: string, { model, json, ...options }: Options) => {
      const wanted = limitsIn(options)
      if (Object.keys(wanted).length === 0) throw new Error('Name at least one limit.')
      const project =
        model === undefined
          ? await client().updateProject(id, wanted)
          : await client().setModelLimits(id, model, wanted)
      told(json, project)
    })
  limits
    .command('remove')
    .description('let a project take of a model what it may take of all')
    .argument('<project>', ID)
    .requiredOption('--model <name>', 'the model')
    .option('--json', 'as the API has it')
    .action(async (id: string, { model, json }: { model: string; json?: true }) =>
      told(json, await client().removeModelLimits(id, model)),
    )
  return limits
}

const ID = 'the id that "projects list" shows: proj_…'

const linesOf = (project: ProjectView): string[][] => [
  ['all models', ...limitCells(project)],
  ...Object.entries(project.modelLimits).map(([model, of]) => [model, ...limitCells(of)]),
]
