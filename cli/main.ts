import { Command } from 'commander'
import { JuneClient, Refused } from '../client/june-client.ts'
import { Failure } from '../proto/failure.ts'
import { auditCommand } from './commands/audit.ts'
import { budgetsCommand } from './commands/budgets.ts'
import { cacheCommand } from './commands/cache.ts'
import { chaosCommand } from './commands/chaos.ts'
import { checkCommand } from './commands/check.ts'
import { keysCommand } from './commands/keys.ts'
import { limitsCommand } from './commands/limits.ts'
import { modelsCommand } from './commands/models.ts'
import { organisationsCommand } from './commands/organisations.ts'
import { pricesCommand } from './commands/prices.ts'
import { projectsCommand } from './commands/projects.ts'
import { usageCommand } from './commands/usage.ts'
import { queuesCommand } from './commands/queues.ts'
import { localStack } from './local-stack.ts'

const print = (text: string): void => void process.stdout.write(`${text}\n`)

const program = new Command('june')
  .description('June from the command line')
  .option(
    '--url <url>',
    'the gateway (default: the one that "npm start" runs here)',
    process.env['JUNE_URL'],
  )
  .option('--key <key>', 'an admin key (default: the local one)', process.env['JUNE_ADMIN_KEY'])
  .showHelpAfterError('(add --help for what is possible)')

let client: JuneClient | undefined

const target = async (): Promise<{ url: string; key: string }> => {
  const { url, key } = program.opts<{ url?: string; key?: string }>()
  const local =
    url && key ? { url, key } : await localStack(process.env['JUNE_DATA_DIR'] ?? '.june')
  return { url: url ?? local.url, key: key ?? local.key }
}

const connect = async (): Promise<void> => {
  client = new JuneClient(await target())
}

const connected = (): JuneClient => {
  if (!client) throw new Error('no command was given')
  return client
}
for (const command of [
  organisationsCommand,
  projectsCommand,
  keysCommand,
  limitsCommand,
  auditCommand,
])
  program.addCommand(command(() => connected().tenancy, print).hook('preAction', connect))
program.addCommand(queuesCommand(connected, print).hook('preAction', connect))
program.addCommand(checkCommand(target, print))
program.addCommand(pricesCommand(connected, print).hook('preAction', connect))
program.addCommand(budgetsCommand(connected, print).hook('preAction', connect))
program.addCommand(cacheCommand(connected, print).hook('preAction', connect))
program.addCommand(usageCommand(connected, print).hook('preAction', connect))
program.addCommand(chaosCommand(print))
program.addCommand(modelsCommand())

try {
  await program.parseAsync()
} catch (thrown) {
  const told = thrown instanceof Refused || thrown instanceof Failure || thrown instanceof Error
  process.stderr.write(`june: ${told ? thrown.message : 'something went wrong'}\n`)
  process.exitCode = 1
}
