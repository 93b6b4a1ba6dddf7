import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** Each a name, and a command of `node_modules/.bin`. */
const CHECKS: Record<string, readonly [string, ...string[]]> = {
  format: ['oxfmt', '--check', '.'],
  // Before the linter, whose type-aware rules read the declarations that this writes.
  types: ['tsc', '-b', '--force'],
  lint: ['oxlint', '--type-aware'],
  'dead code': ['knip'],
}

let failed = 0
for (const [name, [command, ...args]] of Object.entries(CHECKS)) {
  const startedMs = performance.now()
  const child = spawn(resolve(ROOT, 'node_modules/.bin', command), args, {
    cwd: ROOT,
    env: { ...process.env, PATH: `${ROOT}/node_modules/.bin:${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  process.stdout.write(`${code === 0 ? 'pass' : 'FAIL'}  ${name.padEnd(10)} ${seconds} s\n`)
  if (code === 0) continue
  failed++
  process.stdout.write(`${[command, ...args].join(' ')}\n${out}${err}\n`)
}

const total = Object.keys(CHECKS).length
process.stdout.write(`\n${total - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
