import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { Params, Target } from './plan/params.ts'

type Print = (text: string) => void

interface Options {
  seed: number
  streams: number
  minutes: number
  workers: number
  gateways: number
  faults: Target[]
  resumable: number
  fence: boolean
  history?: string
  logs?: string
  check?: string
  json?: true
}

/** `chaos`: a run and its check, or the check alone. The exit code is 0 only where every invariant holds. */
export function chaosCommand(print: Print): Command {
  return new Command('chaos')
    .description('kill and freeze parts of a June of its own, and prove that no token was lost')
    .option('--seed <n>', 'of the plan: the same seed plans the same run', number, 1)
    .option('--streams <n>', 'how many streams', number, 100)
    .option('--minutes <n>', 'for how long streams begin and faults are done', number, 1)
    .option('--workers <n>', 'how many workers', number, 4)
    .option('--gateways <n>', 'how many gateways', number, 2)
    .addOption(
      new Option('--faults <list>', 'of workers, gateways and broker, with commas between')
        .argParser(targets)
        .default(['workers', 'gateways'], 'workers,gateways'),
    )
    .option('--resumable <share>', 'of the streams, how many opt in to resuming', number, 0.5)
    .option('--no-fence', 'the control: old epochs are let through, and the check must fail')
    .option('--history <file>', 'where to keep the history (default: it is not kept)')
    .option('--logs <folder>', 'where to keep the logs of gateways and workers (default: nowhere)')
    .option('--check <file>', 'only check this history')
    .option('--json', 'the result as one JSON object in the last line')
    .action((options: Options) => act(options, print))
}

async function act({ check: only, history, logs, json, fence, ...rest }: Options, print: Print) {
  // What a run needs is much, and other commands do not.
  const [{ chaos }, { readHistory }, { check }, { report, summary }] = await Promise.all([
    import('./chaos.ts'),
    import('./history-file.ts'),
    import('./check/check.ts'),
    import('./report.ts'),
  ])
  const scratch = await mkdtemp(join(tmpdir(), 'june-chaos-'))
  try {
    const file = only ?? (history ? resolve(history) : join(scratch, 'history.jsonl'))
    if (!only)
      await chaos(Params.parse({ ...rest, fenced: fence }), {
        file,
        say: print,
        ...(logs && { logs: resolve(logs) }),
      })
    const verdict = check(await readHistory(file))
    print(report(verdict))
    if (json) print(JSON.stringify(summary(verdict)))
    process.exitCode = verdict.violations.length === 0 ? 0 : 1
  } finally {
    await rm(scratch, { recursive: true })
  }
}

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number.')
  return value
}

function targets(text: string): Target[] {
  const parsed = Target.array().safeParse(text.split(',').filter((part) => part !== ''))
  if (!parsed.success)
    throw new InvalidArgumentError('It must be some of workers, gateways, broker.')
  return parsed.data
}
