import { InvalidArgumentError } from 'commander'

const SECONDS = { m: 60, h: 3_600, d: 86_400 } as const

/** A time as people write it: `7d` ago, `12h`, `30m`, or a date as in ISO 8601. In seconds since 1970. */
export function when(text: string, nowMs: number = Date.now()): number {
  const ago = /^(\d{1,5})([mhd])$/.exec(text)
  if (ago) {
    const unit = ago[2] as keyof typeof SECONDS
    return Math.floor(nowMs / 1000) - Number(ago[1]) * SECONDS[unit]
  }
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('It must be like 7d, 12h, 30m, 2026-11-01 or 2026-11-01T08:00Z.')
  return Math.floor(ms / 1000)
}
