import { delimiter, resolve } from 'node:path'
import { z } from 'zod'
import { WorkerId } from '../../proto/ids.ts'
import { Trouble } from '../trouble.ts'

const ROOT = resolve(import.meta.dirname, '../..')

const whole = (from: number, to: number) => {
  const error = `Set it to a whole number from ${from} to ${to}.`
  return z
    .string()
    .regex(/^\d{1,6}$/, error)
    .transform(Number)
    .pipe(z.number().min(from, error).max(to, error))
}
const port = whole(0, 65_535)
/** Those that every part of June knows. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

const withUser = (protocol: RegExp, remedy: string) =>
  z
    .url({ protocol, error: remedy })
    .refine((text) => new URL(text).username !== '' && new URL(text).password !== '', remedy)

const EDGE_REMEDY =
  'Set it to nats://<user>:<password>@<host>:<port> of a user of the EDGE account, and NATS_POOL_URL to those of the workers.'
const WS_REMEDY = 'Set it to ws://<user>:<password>@<host>:<port>, of the same user as NATS_URL.'
const POOL_REMEDY =
  'Set it to nats://<worker>:<password>@<host>:<port> of a user of the POOL account; one for each of WORKERS, with commas between.'
const DATABASE_REMEDY = 'Set it to postgres://<user>:<password>@<host>:<port>/<database>.'

const Env = z
  .object({
    JUNE_DATA_DIR: z.string().default('.june'),
    JUNE_MODELS_DIR: z.string().default(''),
    JUNE_ECHO: z.enum(['0', '1'], { error: 'Set it to 0 or 1.' }).default('0'),
    JUNE_LEXICAL: z.enum(['0', '1'], { error: 'Set it to 0 or 1.' }).default('1'),
    WORKERS: whole(0, 64).default(1),
    GATEWAYS: whole(1, 16).default(1),
    LOG_LEVEL: z.enum(LEVELS, { error: `Set it to one of ${LEVELS.join(', ')}.` }).default('info'),
    JUNE_PORT: port.default(8000),
    NATS_PORT: port.default(4222),
    NATS_WS_PORT: port.default(9223),
    NATS_MONITOR_PORT: port.default(8222),
    POSTGRES_PORT: port.default(5432),
    WORKER_PORT: port.default(9464),
    NATS_URL: withUser(/^(nats|tls)$/, EDGE_REMEDY).optional(),
    NATS_WS_URL: withUser(/^wss?$/, WS_REMEDY).optional(),
    NATS_POOL_URL: z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .pipe(z.array(withUser(/^(nats|tls)$/, POOL_REMEDY)))
      .optional(),
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: DATABASE_REMEDY }).optional(),
  })
  .superRefine(({ NATS_URL, NATS_POOL_URL, WORKERS }, context) => {
    const told = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (NATS_POOL_URL && !NATS_URL) told('NATS_URL', EDGE_REMEDY)
    if (NATS_URL && WORKERS > (NATS_POOL_URL?.length ?? 0)) told('NATS_POOL_URL', POOL_REMEDY)
    for (const url of NATS_POOL_URL ?? []) {
      if (!WorkerId.safeParse(new URL(url).username).success) told('NATS_POOL_URL', POOL_REMEDY)
    }
  })

export type GatewayKind = 'node' | 'workerd'

export interface Settings extends Omit<z.infer<typeof Env>, 'JUNE_DATA_DIR' | 'JUNE_MODELS_DIR'> {
  dataDir: string
  modelDirs: string[]
  gatewayKind: GatewayKind
  /** What our children find in their environment besides what we put there. */
  inherited: Record<string, string | undefined>
}

/** Everything a person may have set wrongly is told at once. An empty variable is one that is not set. */
export function readSettings(
  vars: Record<string, string | undefined>,
  args: readonly string[],
): Settings {
  const unknown = args.filter((arg) => arg !== '--edge')
  if (unknown.length > 0) {
    throw new Trouble(`June does not know ${unknown.join(' ')}.`, 'Its one option is --edge.')
  }
  const set = Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== ''))
  const parsed = Env.safeParse(set)
  if (!parsed.success) throw badSettings(parsed.error, set)
  const { JUNE_DATA_DIR, JUNE_MODELS_DIR, ...rest } = parsed.data
  const edge = args.includes('--edge')
  if (edge && rest.NATS_URL && !rest.NATS_WS_URL) {
    throw new Trouble(
      'NATS_WS_URL is not set, and workerd speaks to NATS over WebSocket.',
      WS_REMEDY,
    )
  }
  return {
    ...rest,
    // Durable Objects live in one workerd: a second one would be another edge.
    GATEWAYS: edge ? 1 : rest.GATEWAYS,
    gatewayKind: edge ? 'workerd' : 'node',
    dataDir: resolve(ROOT, JUNE_DATA_DIR),
    modelDirs: [
      ...JUNE_MODELS_DIR.split(delimiter)
        .filter((dir) => dir !== '')
        .map((dir) => resolve(ROOT, dir)),
      resolve(ROOT, 'models'),
    ],
    inherited: vars,
  }
}

function badSettings(error: z.ZodError, set: Record<string, string | undefined>): Trouble {
  const lines = error.issues.map(({ path: [name = ''], message }) => {
    const value = set[String(name)]
    // A URL carries a password.
    const is =
      value === undefined ? 'is not set' : `is ${value.includes('@') ? 'wrong' : `"${value}"`}`
    return `  ${String(name)} ${is}. ${message}`
  })
  return new Trouble('These variables are wrong:', [...new Set(lines)].join('\n'))
}
