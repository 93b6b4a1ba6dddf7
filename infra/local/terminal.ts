import { styleText } from 'node:util'
import { z } from 'zod'

/** What the launcher shows: short lines with the time since the start, and what its children complain about. */
export class Terminal {
  readonly #loudness: number
  #quiet = false

  constructor(level: string) {
    this.#loudness = LOUDNESS[level] ?? WARN
  }

  /** Seconds since the process started, to a tenth. */
  get elapsed(): string {
    return `${(performance.now() / 1_000).toFixed(1)} s`
  }

  readonly say = (text: string): void => {
    process.stdout.write(`${styleText('dim', this.elapsed.padStart(7))}  ${text}\n`)
  }

  readonly plain = (text: string): void => {
    process.stdout.write(`${text}\n`)
  }

  /** A line of a child's log, if it is bad enough to be shown. */
  childSaid(name: string, line: string): void {
    const { level, text } = read(line)
    if (this.#quiet || level < this.#loudness) return
    this.say(`${styleText(level >= ERROR ? 'red' : 'yellow', name)}  ${text}`)
  }

  /** Whoever is told to end may complain about it: that is in the logs, and no news. */
  hush(): void {
    this.#quiet = true
  }
}

const [DEBUG, WARN, ERROR] = [20, 40, 50]
const LOUDNESS: Partial<Record<string, number>> = {
  debug: 0,
  info: WARN,
  warn: WARN,
  error: ERROR,
  silent: Infinity,
}

const PinoLine = z.object({ level: z.number(), msg: z.string().default('') }).loose()
const said = z.object({ message: z.string() }).loose()

/** Our own processes log JSON, nats-server its `[ERR]`; the rest is for the file. */
function read(line: string): { level: number; text: string } {
  if (line.startsWith('{')) {
    const parsed = PinoLine.safeParse(jsonOf(line))
    if (parsed.success) {
      const cause = said.safeParse(parsed.data['cause'] ?? parsed.data['err'])
      const why = cause.success ? `: ${cause.data.message}` : ''
      return { level: parsed.data.level, text: `${parsed.data.msg}${why}` }
    }
  }
  const nats = /\[(ERR|FTL)\] (.*)$/.exec(line)
  return { level: nats ? ERROR : DEBUG, text: nats?.[2] ?? line }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
