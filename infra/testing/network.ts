import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Host {
  address: string
  /** Words before a command that is to run there; none for this machine itself. */
  within: readonly string[]
}

/**
 * Which packets a host's router throws away, without a word to either side: those the host sends, those sent to it, or all.
 * Neither connection ends by it: that is for the two at its ends to find out.
 */
export type Cut = 'none' | 'out' | 'in' | 'both'

export interface Network<Name extends string> extends AsyncDisposable {
  hosts: Record<Name | 'here', Host>
  cut: (host: Name | 'here', cut: Cut) => Promise<void>
  heal: () => Promise<void>
  /** Packets that the router threw away so far: the proof that a cut took effect. */
  dropped: () => Promise<number>
}

const ROUTER = 'r'
/** Its solicitations would be packets that nobody sends on. */
const QUIET = 'net.ipv6.conf.all.disable_ipv6=1'
/** Columns of /proc/net/dev, in packets. */
const RECEIVED = 1
const SENT = 9

/** Root, with `ip`: whoever may make a namespace may make all of it. */
export async function canPartition(): Promise<boolean> {
  const name = `june-try-${process.pid}`
  return run('ip', ['netns', 'add', name]).then(
    () => run('ip', ['netns', 'del', name]).then(() => true),
    () => false,
  )
}

/**
 * This machine and some others, each in a network namespace, around a router in its own. A host's line to the router has
 * two addresses of 198.18.0.0/15, the range for tests of networks.
 */
export async function openNetwork<Name extends string>(
  names: readonly Name[],
): Promise<Network<Name>> {
  await removeOrphans()
  const mark = `june-${process.pid}`
  const router = `${mark}-${ROUTER}`
  const net = `198.18.${process.pid % 256}`
  const inRouter = (...args: string[]) => run('ip', ['netns', 'exec', router, ...args])
  const all = ['here', ...names] as const
  const hosts = {} as Record<Name | 'here', Host>

  await addNamespace(router)
  await inRouter('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  for (const [i, name] of all.entries()) {
    const [gateway, address] = [`${net}.${4 * i + 1}`, `${net}.${4 * i + 2}`]
    const space = `${mark}-${name}`
    // Names of interfaces are short, and of the whole machine for the one that stays here.
    const [near, far] = [`jn${process.pid}-${i}`, `to-${name}`]
    const within = name === 'here' ? [] : ['ip', 'netns', 'exec', space]
    if (name !== 'here') await addNamespace(space)
    await run('ip', ['link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', router])
    if (name !== 'here') await run('ip', ['link', 'set', near, 'netns', space])
    await inRouter('ip', 'addr', 'add', `${gateway}/30`, 'dev', far)
    await inRouter('ip', 'link', 'set', far, 'up')
    const inHost = (...args: string[]) => run('env', [...within, ...args])
    await inHost('ip', 'addr', 'add', `${address}/30`, 'dev', near)
    await inHost('ip', 'link', 'set', near, 'up')
    await inHost('ip', 'route', 'add', `${net}.0/24`, 'via', gateway)
    hosts[name] = { address, within }
  }

  const cut = async (host: Name | 'here', way: Cut): Promise<void> => {
    const to = `to-${host}`
    // A packet is sent on if the interface it came in by allows that, and if there is a way to where it goes.
    const heard = way === 'out' || way === 'both' ? 0 : 1
    await inRouter('sysctl', '-qw', `net.ipv4.conf.${to}.forwarding=${heard}`)
    const nowhere = ['blackhole', `${hosts[host].address}/32`]
    if (way === 'in' || way === 'both') await inRouter('ip', 'route', 'replace', ...nowhere)
    else await inRouter('ip', 'route', 'del', ...nowhere).catch(() => undefined)
  }

  return {
    hosts,
    cut,
    heal: async () => {
      for (const name of all) await cut(name, 'none')
    },
    dropped: async () => {
      const { stdout } = await inRouter('cat', '/proc/net/dev')
      const lines = stdout.matchAll(/^ *to-\S+: *(.*)$/gm)
      // What came in to the router, less what it sent on.
      return Array.from(lines, ([, numbers = '']) => numbers.split(/ +/).map(Number)).reduce(
        (sum, columns) => sum + (columns[RECEIVED] ?? 0) - (columns[SENT] ?? 0),
        0,
      )
    },
    [Symbol.asyncDispose]: async () => {
      for (const name of [...names, ROUTER]) await run('ip', ['netns', 'del', `${mark}-${name}`])
    },
  }
}

async function addNamespace(name: string): Promise<void> {
  await run('ip', ['netns', 'add', name])
  await run('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  await run('ip', ['netns', 'exec', name, 'sysctl', '-qw', QUIET])
}

/** Those of a test run that was killed: the kernel keeps them for whoever made them. */
async function removeOrphans(): Promise<void> {
  for (const name of await readdir('/run/netns').catch((): string[] => [])) {
    const pid = /^june-(\d+)-/.exec(name)?.[1]
    if (pid === undefined) continue
    const alive = await readdir(`/proc/${pid}`).catch(() => undefined)
    if (!alive) await run('ip', ['netns', 'del', name]).catch(() => undefined)
  }
}
