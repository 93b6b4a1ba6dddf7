/** As OpenAI writes them: `12ms`, `1s`, `6m0s`. */
export function duration(exactMs: number): string {
  // 12,000.000000000002 is what a clock with fractions makes of twelve seconds.
  const ms = Math.round(exactMs)
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds % 60}s`
}
