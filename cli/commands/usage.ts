import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command, Option } from 'commander'
import type { JuneClient, UsageQuery } from '../../client/june-client.ts'
import { csvLine } from '../../proto/csv.ts'
import { BucketWidth, GroupBy, WIDTHS, type UsageBucket } from '../../proto/usage-report.ts'
import { table } from '../table.ts'
import { when } from '../when.ts'

interface Filters {
  since: number
  until?: number
  project?: string[]
  organisation?: string[]
  model?: string[]
  keyId?: string[]
  user?: string[]
}

interface Report extends Filters {
  bucket: BucketWidth
  by?: GroupBy[]
  json?: true
  csv?: true
}

/** `june usage` and `june usage export` */
export function usageCommand(client: () => JuneClient, print: (text: string) => void): Command {
  const usage = filtered(new Command('usage').description('what was used, by project and time'))
    .addOption(
      new Option('--bucket <width>', 'how it is told apart by time')
        .choices(BucketWidth.options)
        .default('1d'),
    )
    .addOption(new Option('--by <what...>', 'how else it is told apart').choices(GroupBy.options))
    .addOption(new Option('--json', 'buckets as the API has them').conflicts('csv'))
    .option('--csv', 'a line for each group')
    .action(async (options: Report) => {
      const buckets = await client().usage({
        ...queryOf(options),
        bucket_width: options.bucket,
        limit: String(WIDTHS[options.bucket].max),
        ...(options.by && { group_by: options.by }),
      })
      if (options.json) print(JSON.stringify(buckets, null, 2))
      else show(buckets, options, print)
    })
  usage.addCommand(exportCommand(client))
  return usage
}

function exportCommand(client: () => JuneClient): Command {
  return filtered(new Command('export').description('every job that ended, a line each'))
    .addOption(
      new Option('--format <format>', 'how it is written').choices(['csv', 'jsonl']).default('csv'),
    )
    .action(async (_: unknown, command: Command) => {
      // Its parent has options of the same names.
      const options = command.optsWithGlobals<Filters & { format: 'csv' | 'jsonl' }>()
      const { body } = await client().exportUsage({ ...queryOf(options), format: options.format })
      if (body) await pipeline(Readable.fromWeb(body), process.stdout, { end: false })
    })
}

function show(
  buckets: readonly UsageBucket[],
  { by = [], csv }: Report,
  print: (text: string) => void,
) {
  const head = ['from', ...by, 'requests', 'input', 'cached', 'output', 'cost_nano']
  const rows = buckets.flatMap(({ start_time, results }) =>
    results.map((result) => [
      new Date(start_time * 1000).toISOString().replace(/:00\.000Z$/, 'Z'),
      ...by.map((name) => result[name] ?? ''),
      result.num_model_requests,
      result.input_tokens,
      result.input_cached_tokens,
      result.output_tokens,
      result.cost_nano,
    ]),
  )
  if (csv) print([head, ...rows].map(csvLine).join('').trimEnd())
  else
    print(
      table(
        head,
        rows.map((row) => row.map(String)),
      ),
    )
}

const filtered = (command: Command): Command =>
  command
    .addOption(
      new Option('--since <when>', 'from when on, such as 7d, 12h or 2026-11-01')
        .argParser((text: string) => when(text))
        .default(when('7d'), '7d'),
    )
    .option('--until <when>', 'until when', (text) => when(text))
    .option('--project <id...>', 'of these projects alone')
    .option('--organisation <id...>', 'of these organisations alone')
    .option('--model <name...>', 'of these models alone')
    .option('--key-id <id...>', 'by these keys alone')
    .option('--user <name...>', 'for these users alone')

function queryOf({ since, until, ...filters }: Filters): UsageQuery {
  return {
    start_time: String(since),
    ...(until !== undefined && { end_time: String(until) }),
    ...(filters.project && { project_ids: filters.project }),
    ...(filters.organisation && { organisation_ids: filters.organisation }),
    ...(filters.model && { models: filters.model }),
    ...(filters.keyId && { api_key_ids: filters.keyId }),
    ...(filters.user && { user_ids: filters.user }),
  }
}
