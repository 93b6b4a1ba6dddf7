/** RFC 4180, with its line end. */
export const csvLine = (cells: readonly (string | number | boolean | null)[]): string =>
  `${cells.map(cell).join(',')}\r\n`

/**
 * A text that a spreadsheet would take for a formula gets a quote before it, which spreadsheets do not show: whom a
 * request was made for is said by strangers, and an invoice is opened by somebody else.
 */
function cell(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
