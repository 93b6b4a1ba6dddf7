import { delimiter } from 'node:path'
import { z } from 'zod'
import { WorkerId } from '../proto/ids.ts'

const whole = (from: number, to: number) => {
  const error = `Set it to a whole number from ${from} to ${to}.`
  return z
    .string()
    .regex(/^\d{1,9}$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number(error).min(from, error).max(to, error))
}

const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words, { error: `Set it to one of ${words.join(', ')}.` })

const listOf = (separator: string) =>
  z.string().transform((text) =>
    text
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )

const URL_REMEDY =
  'Set it to nats://<WORKER_ID>:<password>@<host>:<port>, as "june worker" prints it.'

const broker = z.url({ protocol: /^(nats|tls)$/, error: URL_REMEDY }).transform((text) => {
  const { protocol, host, username, password } = new URL(text)
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)]
  return { server: host, user, pass, tls: protocol === 'tls:' }
})

const Env = z
  .object({
    WORKER_ID: z.string({ error: 'Set it to 1-48 of a-z, 0-9 and "-".' }).pipe(WorkerId),
    NATS_URL: broker,
    JUNE_MODELS_DIR: listOf(delimiter).default(['models']),
    JUNE_MODELS: z.literal('all').or(listOf(',')).default('all'),
    JUNE_ECHO: oneOf('0', '1').default('0'),
    JUNE_ECHO_SLOTS: whole(1, 4_096).default(16),
    JUNE_LEXICAL: oneOf('0', '1').default('0'),
    JUNE_DEVICE: oneOf('auto', 'cpu', 'cuda').default('auto'),
    JUNE_THREADS: whole(1, 1_024).optional(),
    JUNE_PACE: oneOf('on', 'off').default('on'),
    DRAIN_GRACE_MS: whole(0, 3_600_000).default(3_500),
    HOST: z.string().default('127.0.0.1'),
    WORKER_PORT: whole(0, 65_535).default(0),
    LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  })
  .refine(({ WORKER_ID, NATS_URL }) => NATS_URL.user === WORKER_ID, {
    path: ['NATS_URL'],
    error: 'Its user must be the WORKER_ID: what a worker may say and hear hangs on that name.',
  })
export type Env = z.infer<typeof Env>

/** What to tell a person who started us wrongly: every variable that is bad, and what to do about it. */
export type BadEnv = { problems: string }

/** Read once, in `main.ts`; everything after takes what it needs as arguments. An empty variable is an absent one. */
export function readEnv(vars: Record<string, string | undefined>): Env | BadEnv {
  const set = Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== ''))
  const parsed = Env.safeParse(set)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map(({ path: [name = ''], message }) => {
    const found = set[String(name)]
    // A URL carries a password.
    const is =
      found === undefined ? 'is not set' : name === 'NATS_URL' ? 'is wrong' : `is "${found}"`
    return `  ${String(name)} ${is}. ${message}`
  })
  return { problems: `This worker cannot start:\n${lines.join('\n')}\n` }
}
