import type { Log } from '../ports.ts'
import type { Vars } from './bindings.ts'

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 } as const

/** One line of JSON an event, as pino writes them on Node. */
export function consoleLog(level: Vars['LOG_LEVEL'], base: object): Log {
  const at = (name: 'info' | 'warn' | 'error') => (fields: object, msg: string) => {
    if (LEVELS[name] < LEVELS[level]) return
    const line = { level: LEVELS[name], time: Date.now(), ...base, ...fields, msg }
    // oxlint-disable-next-line no-console -- the console is the only log that workerd has
    console[name](JSON.stringify(line, errorsToo))
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** `JSON.stringify` shows nothing of an error by itself. */
function errorsToo(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  return { type: name, message, stack, ...(cause === undefined ? {} : { cause }) }
}
