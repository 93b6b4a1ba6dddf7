import { z } from 'zod'
import { cidrOf, CidrText, type Cidr } from '../../proto/cidr.ts'
import { GatewayName } from '../../proto/ids.ts'

const Env = z.object({
  GATEWAY_NAME: GatewayName.default(GatewayName.parse('g1')),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8000),
  NATS_URL: z.url({ protocol: /^(nats|tls)$/ }),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** `off` is the control of the fault runs: frames of old epochs then reach readers. */
  JUNE_FENCE: z.enum(['on', 'off']).default('on'),
  /** How long streams may go on after SIGTERM. What is left then is adopted by another gateway, for clients that resume. */
  DRAIN_GRACE_MS: z.coerce.number().int().min(0).default(30_000),
  /** Addresses and ranges of proxies before us, with commas between, whose `X-Forwarded-For` is believed. */
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(CidrText.transform((text) => cidrOf(text) as Cidr))),
  /** For how long stored responses can be asked for. */
  RESPONSES_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** What issuers' secrets are sealed with, the same at all gateways. Empty, they are stored as they are. */
  JUNE_SECRET: z
    .string()
    .default('')
    .refine((text) => text === '' || text.length >= 32, 'Set it to 32 characters or more.')
    .transform((text) => text || undefined),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})
export type Env = z.infer<typeof Env>

/** Read once, in `main.ts`; everything after takes what it needs as arguments. All bad variables are told at once. */
export function readEnv(vars: Record<string, string | undefined>): Env {
  const parsed = Env.safeParse(vars)
  if (!parsed.success)
    throw new Error(`The environment is not usable:\n${z.prettifyError(parsed.error)}`)
  return parsed.data
}
