// Runs under whatever Node is installed, from 20 on: makes node_modules complete, then hands over to the Node 24 in it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const node24 = join(modules, '.bin', 'node')
const stamp = join(modules, '.june-stamp')

const TARGETS = {
  start: { main: ['infra/local/main.ts'], channel: true },
  'start-edge': { main: ['infra/local/main.ts', '--edge'], channel: true, dev: true },
  june: { main: ['cli/main.ts'] },
  test: { main: ['node_modules/vitest/vitest.mjs', 'run'], dev: true },
  bench: { main: ['bench/main.ts'], dev: true },
  chaos: { main: ['chaos/main.ts'] },
  check: { main: ['infra/check/main.ts'], dev: true },
}

const [name = '', ...args] = process.argv.slice(2)
const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined
if (!target) end(`usage: node infra/bootstrap.mjs <${Object.keys(TARGETS).join('|')}> [...args]`)

const npmTook = isComplete(target.dev === true) ? undefined : await install()
if (!existsSync(node24)) {
  end(
    `Node 24 is not in node_modules: the package node-${process.platform}-${process.arch} was not installed.
June runs on linux-x64 and linux-arm64. There, "npm ci --include=optional" brings it.`,
  )
}
await handOver()

/** Whether what is installed is what the lockfile says. A production install has no development packages, and may. */
function isComplete(dev) {
  const lock = read(join(root, 'package-lock.json'))
  const installed = read(join(modules, '.package-lock.json'))
  if (lock === undefined || installed === undefined) return false
  const seal = createHash('sha256').update(lock).update(installed).update(String(dev)).digest('hex')
  if (read(stamp) === seal) return true
  const have = JSON.parse(installed).packages
  const want = JSON.parse(lock).packages
  const same = (a, b) => a?.version === b?.version && a?.integrity === b?.integrity
  for (const [path, entry] of Object.entries(want)) {
    if (path === '' || (!have[path] && (entry.optional || (entry.dev && !dev)))) continue
    if (!same(entry, have[path])) return false
  }
  for (const path of Object.keys(have)) if (!want[path]) return false
  writeFileSync(stamp, seal)
  return true
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** `npm ci`, and how long it took. */
async function install() {
  process.stdout.write('node_modules is not what package-lock.json says: npm ci\n')
  const startedMs = performance.now()
  const npm = process.env.npm_execpath
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  const child = spawnLeashed([...command, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const { code, signal } = await ended(child)
  if (signal) await endBy(signal)
  if (code !== 0) end('npm ci failed: what it says above is why.', code ?? 1)
  const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  process.stdout.write(`npm ci took ${took}\n`)
  return took
}

async function handOver() {
  const [main, ...rest] = target.main
  const child = spawnLeashed([node24, join(root, main), ...rest, ...args], {
    cwd: name === 'june' ? process.cwd() : root,
    // A channel tells the launcher of our end even where the kernel is not asked to.
    stdio: target.channel ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
    env: {
      // What was compiled once is not compiled again: a fifth of a warm start.
      NODE_COMPILE_CACHE: join(modules, '.cache', 'june-compile'),
      ...process.env,
      PATH: `${join(modules, '.bin')}:${process.env.PATH ?? ''}`,
      ...(npmTook && { JUNE_NPM_TOOK: npmTook }),
    },
  })
  const { code, signal } = await ended(child)
  if (signal) await endBy(signal)
  process.exit(code ?? 1)
}

/** A child that is told to end when we die, even by `kill -9`; and that hears every signal that we hear. */
function spawnLeashed([command, ...rest], options) {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  const child = setpriv
    ? spawn(setpriv, ['--pdeathsig', 'TERM', command, ...rest], options)
    : spawn(command, rest, options)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // In a terminal Ctrl-C reaches the child without us, and a second one would mean something else to it.
  process.on('SIGINT', () => void (process.stdin.isTTY || child.kill('SIGINT')))
  followNpm(child)
  return child
}

/**
 * npm that is killed takes nobody along, so we watch for its end. Not for the end of other parents: a shell may leave us
 * behind, and mean it.
 */
function followNpm(child) {
  if (!process.env.npm_lifecycle_event) return
  const { ppid } = process
  // npm starts a script through a shell, which some shells do not make way for.
  const shell = /^(ba|da)?sh\n$/.test(read(`/proc/${ppid}/comm`) ?? '')
  const npmOf = () => (shell ? parentOf(ppid) : process.ppid)
  const npm = npmOf()
  setInterval(() => npmOf() === npm || child.kill('SIGTERM'), 500).unref()
}

function parentOf(pid) {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1])
}

function ended(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => end(`${child.spawnfile} cannot be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Ends as the child did, so that whoever waits for us sees the same. */
function endBy(signal) {
  for (const heard of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.removeAllListeners(heard)
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100)
  return new Promise(() => {})
}

function end(message, code = 1) {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}
