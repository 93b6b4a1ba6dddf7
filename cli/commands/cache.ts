import { Command, InvalidArgumentError } from 'commander'
import type { JuneClient } from '../../client/june-client.ts'

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `june cache on|off`: whether the answers of a project may be given again to the same question. */
export function cacheCommand(client: () => JuneClient, print: (text: string) => void): Command {
  const cache = new Command('cache').description('give answers of a project again, or not')
  cache
    .command('on')
    .description('from now on, the same question of this project has the same answer')
    .argument('<project>', 'its id: proj_…')
    .option('--ttl <time>', 'for how long, such as 30s, 10m, 1h or 7d', duration, MS.h)
    .option('--max-entry-kib <n>', 'longer answers are not kept', positive, 256)
    .action(async (id: string, { ttl, maxEntryKib }: { ttl: number; maxEntryKib: number }) => {
      const set = { ttlMs: ttl, maxEntryBytes: maxEntryKib * 1_024 }
      const { name } = await client().setCache(id, set)
      print(`Answers of ${name} are given again for ${ttl / 1_000} s.`)
    })
  cache
    .command('off')
    .description('every question of this project is computed again, within a second')
    .argument('<project>', 'its id: proj_…')
    .action(async (id: string) => {
      const { name } = await client().setCache(id, null)
      print(`Answers of ${name} are not given again.`)
    })
  return cache
}

function duration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount && unit) return Number(amount) * MS[unit as keyof typeof MS]
  throw new InvalidArgumentError('It must be like 30s, 10m, 1h or 7d.')
}

function positive(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a whole number above 0.')
}
