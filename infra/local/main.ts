import { openDataDir } from './data-dir.ts'
import { lock } from './lock.ts'
import { readSettings } from './settings.ts'
import { Stack } from './stack.ts'
import { Terminal } from './terminal.ts'
import { Trouble } from '../trouble.ts'
import { welcome } from './welcome.ts'

/** npm hands on a Ctrl-C that the terminal has already given to everybody: that is one, heard twice. */
const SAME_SIGNAL_MS = 500

let ending = false

// postgres.js throws from a timer when its server goes while it connects: what is being ended may cry.
process.on('uncaughtException', (thrown) => {
  if (ending) return
  process.stderr.write(`\nJune ended by a fault of its own: ${thrown.message}\n`)
  process.exit(1)
})

async function main(): Promise<void> {
  // Whoever read us may be gone: that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const settings = readSettings(process.env, process.argv.slice(2))
  const terminal = new Terminal(settings.LOG_LEVEL)
  await openDataDir(settings.dataDir)
  const held = await lock(settings.dataDir)
  const stack = new Stack(settings, terminal)
  const told = untilTold(stack, terminal)
  try {
    const run = await Promise.race([stack.start(), told])
    if (run) {
      terminal.plain(welcome(run, { seconds: terminal.elapsed, npm: process.env['JUNE_NPM_TOOK'] }))
      process.send?.({ type: 'ready', url: run.gateway })
    }
    await told
  } finally {
    ending = true
    await stack.stop()
    held[Symbol.dispose]()
  }
  terminal.say('everything has ended')
}

/** Resolves when somebody wants us to end. Told a second time, nothing is waited for. */
function untilTold(stack: Stack, terminal: Terminal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let firstMs: number | undefined
  const tell = (): void => {
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      terminal.say('ending: what runs is given four seconds')
      resolve(undefined)
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      stack.kill()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, tell)
  process.on('disconnect', tell)
  return promise
}

try {
  await main()
} catch (thrown) {
  if (!(thrown instanceof Trouble)) throw thrown
  process.stderr.write(`\nJune cannot start. ${thrown.message}\n${thrown.remedy}\n`)
  process.exitCode = 1
}
// The channel to whoever started us, and a child that waits to be started again, would keep us.
process.exit()
