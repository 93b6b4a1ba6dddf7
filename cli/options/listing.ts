import { type Command, InvalidArgumentError } from 'commander'

export interface Listing {
  limit: number
  json?: true
}

/** The options of everything that lists. */
export const listing = (command: Command): Command =>
  command
    .option('--limit <n>', 'how many at most, the newest first', most, 100)
    .option('--json', 'as the API has them')

function most(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a whole number above 0.')
}
