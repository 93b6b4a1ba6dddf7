import { InvalidArgumentError } from 'commander'

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** `90s`, `30m`, `12h` or `7d`, in seconds; `0` is none. */
export function span(text: string): number {
  if (text === '0') return 0
  const parts = /^(\d{1,6})([smhd])$/.exec(text)
  if (!parts) throw new InvalidArgumentError('It must be like 90s, 30m, 12h or 7d, or 0.')
  return Number(parts[1]) * SECONDS[parts[2] as keyof typeof SECONDS]
}

/** A moment to come: `30d` from now, a date as in ISO 8601, or `never`, which stays so. */
export function moment(text: string, nowMs: number = Date.now()): string {
  if (text === 'never') return text
  if (/^\d+[smhd]$/.test(text)) return new Date(nowMs + span(text) * 1000).toISOString()
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('It must be like 30d, 12h, 2030-01-01T00:00Z, or never.')
  return new Date(ms).toISOString()
}
