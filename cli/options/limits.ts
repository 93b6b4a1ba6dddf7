import { type Command, InvalidArgumentError } from 'commander'
import { UNLIMITED, type Limits } from '../../proto/limits.ts'

/** `none` is no limit. */
type Given = number | 'none'

export type LimitOptions = Partial<Record<keyof Limits, Given>>

/** The options by which all limits are given; `none` is no limit, and what is left out stays as it is. */
export const withLimits = (command: Command): Command =>
  command
    .option('--requests-per-minute <n>', 'requests a minute, or none', limit)
    .option('--tokens-per-minute <n>', 'tokens of prompts and answers a minute, or none', limit)
    .option('--concurrent-streams <n>', 'answers at the same time, or none', limit)
    .option('--audio-seconds-per-minute <n>', 'seconds of audio a minute, or none', limit)

/** Those of some options, and nothing else of them. */
export const limitsIn = (options: LimitOptions): Partial<Limits> =>
  Object.fromEntries(
    NAMES.flatMap((name) => {
      const given = options[name]
      return given === undefined ? [] : [[name, given === 'none' ? null : given]]
    }),
  )

const NAMES = Object.keys(UNLIMITED) as (keyof Limits)[]

export const limitHeads = ['requests/min', 'tokens/min', 'streams', 'audio s/min']

export const limitCells = (limits: Limits): string[] =>
  [
    limits.requestsPerMinute,
    limits.tokensPerMinute,
    limits.concurrentStreams,
    limits.audioSecondsPerMinute,
  ].map((value) => (value === null ? '-' : String(value)))

function limit(text: string): Given {
  if (text === 'none') return text
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a whole number above 0, or none.')
}
