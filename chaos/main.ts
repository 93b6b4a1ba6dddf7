import { chaosCommand } from './command.ts'

/** `npm run chaos`: see HISTORY.md. */
try {
  await chaosCommand((text) => void process.stdout.write(`${text}\n`)).parseAsync()
} catch (thrown) {
  process.stderr.write(
    `chaos: ${thrown instanceof Error ? thrown.message : 'something went wrong'}\n`,
  )
  process.exitCode = 1
}
