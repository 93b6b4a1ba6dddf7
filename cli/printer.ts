import { table } from './table.ts'

export type Print = (text: string) => void

/** Says the same to people and to programs: as a table, or as the JSON of the API. */
export const printer =
  (print: Print) =>
  (json: true | undefined, what: unknown, told: () => string): void =>
    print(json ? JSON.stringify(what, null, 2) : told())

export const rows = <T>(heads: readonly string[], all: readonly T[], cells: (one: T) => string[]) =>
  all.length === 0 ? 'There are none.' : table(heads, all.map(cells))
