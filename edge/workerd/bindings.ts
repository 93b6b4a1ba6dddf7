import { z } from 'zod'
import { GatewayName } from '../../proto/ids.ts'
import type { BatchObject } from './batch-object.ts'
import type { BusObject } from './bus-object.ts'
import type { LimiterObject } from './limiter-object.ts'

/** What `wrangler.toml` and the operator bind to the Worker. */
export interface Bindings extends Record<keyof z.input<typeof Vars>, string> {
  BUS: DurableObjectNamespace<BusObject>
  LIMITER: DurableObjectNamespace<LimiterObject>
  BATCH: DurableObjectNamespace<BatchObject>
  HYPERDRIVE?: Hyperdrive
}

const Vars = z.object({
  GATEWAY_NAME: GatewayName.default(GatewayName.parse('edge')),
  NATS_URL: z.url({ protocol: /^wss?$/ }),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  BUS_SHARDS: z.coerce.number().int().min(1).max(256).default(1),
  /**
   * The header in which whatever stands before the Worker names the client; its last entry counts. Cloudflare's is
   * `cf-connecting-ip`. Empty where nothing stands there: the runtime itself does not tell, and anybody can send a header.
   */
  CLIENT_ADDRESS_HEADER: z.string().default(''),
  RESPONSES_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** What issuers' secrets are sealed with, the same at all gateways. Empty, they are stored as they are. */
  JUNE_SECRET: z
    .string()
    .default('')
    .refine((text) => text === '' || text.length >= 32, 'Set it to 32 characters or more.')
    .transform((text) => text || undefined),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})
export type Vars = z.infer<typeof Vars>

/** Read once an isolate. With Hyperdrive, `DATABASE_URL` is the address of its near end. */
export function readVars(bindings: Bindings): Vars {
  const { HYPERDRIVE } = bindings
  const parsed = Vars.safeParse({
    ...bindings,
    ...(HYPERDRIVE && { DATABASE_URL: HYPERDRIVE.connectionString }),
  })
  if (!parsed.success)
    throw new Error(`The variables are not usable:\n${z.prettifyError(parsed.error)}`)
  return parsed.data
}
