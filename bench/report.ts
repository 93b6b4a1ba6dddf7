export interface Row {
  bench: string
  row: string
  value: number
  unit: string
  /** What it is measured against, in the same run. */
  note?: string
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** A distribution as one row, in milliseconds. */
export const spread = (bench: string, row: string, values: readonly number[]): Row => ({
  bench,
  row,
  value: median(values),
  unit: 'ms p50',
  note: `p90 ${shown(quantile(values, 0.9))}, max ${shown(Math.max(...values))}, of ${values.length}`,
})

/** Rows as a Markdown table, grouped as they came. */
export function report(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ bench, row, value, unit, note = '' }) =>
      `| ${bench} | ${row} | ${shown(value)} ${unit} | ${note} |`,
  )
  return ['| what | row | measured | beside |', '| --- | --- | ---: | --- |', ...lines].join('\n')
}

const shown = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
