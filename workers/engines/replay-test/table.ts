import type { ReplayReport } from './replay-test.ts'

const HEADER = ['replay', 'sampling', 'beside others', 'continued', 'same tokens', 'same bits']

export function tableOf({ rows }: ReplayReport): string {
  const cells = rows.map(({ replay, sampling, beside, continued, sameTokens, sameBits }) => [
    replay,
    sampling,
    beside ? 'yes' : 'no',
    String(continued),
    String(sameTokens),
    String(sameBits),
  ])
  const all = [HEADER, ...cells]
  const widths = HEADER.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
