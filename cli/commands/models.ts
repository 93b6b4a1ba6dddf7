import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'

/** A program of the worker's: what a command imports must not bring an engine with it. */
const REPLAY_TEST = fileURLToPath(
  new URL('../../workers/engines/replay-test/main.ts', import.meta.url),
)

/** `june models replay-test <id>`. It loads the model itself and asks nothing of a June that runs. */
export function modelsCommand(): Command {
  const models = new Command('models').description('what the models of this machine can do')
  models
    .command('replay-test')
    .description('whether an answer that another worker takes over goes on as it would have, here')
    .argument('<id>', 'a model in models/ or a folder of JUNE_MODELS_DIR')
    .option('--json', 'the findings as JSON', false)
    .option('--tokens <n>', 'tokens of each answer at most', positive, 64)
    .option('--cuts <n>', 'in how many places each answer is cut', positive, 5)
    .action(async (id: string, options: { json: boolean; tokens: number; cuts: number }) => {
      const { json, tokens, cuts } = options
      const flags = [
        '--tokens',
        String(tokens),
        '--cuts',
        String(cuts),
        ...(json ? ['--json'] : []),
      ]
      const child = spawn(process.execPath, [REPLAY_TEST, ...flags, '--', id], { stdio: 'inherit' })
      const [code] = (await once(child, 'exit')) as [number | null]
      process.exitCode = code ?? 1
    })
  return models
}

function positive(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a whole number above 0.')
}
