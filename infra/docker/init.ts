import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { GatewayName, newSecret, WorkerId } from '../../proto/ids.ts'
import { natsCredentials } from '../local/credentials.ts'
import { queuesIn } from '../local/queues-in.ts'
import { readSaved, save } from '../local/saved.ts'
import { serverConfig } from '../nats/server-config.ts'

/**
 * Writes what the containers of docker-compose.yml need before they start: the configuration of NATS, and a folder for each
 * service with the one file of secrets that it may read. Secrets are made once and kept. Run it again after a model was added.
 */
const env = z
  .object({
    SECRETS_DIR: z.string().default('/secrets'),
    MODEL_DIRS: z.string().default('/app/models:/models'),
    GATEWAY_NAME: GatewayName.default(GatewayName.parse('g1')),
    WORKER_IDS: z.string().default('cpu-1,gpu-1'),
  })
  // oxlint-disable-next-line node/no-process-env -- this file is a main: a container runs it
  .parse(process.env)

const dir = env.SECRETS_DIR
const workers = env.WORKER_IDS.split(',').map((id) => WorkerId.parse(id.trim()))
await mkdir(join(dir, 'nats'), { recursive: true })
// The folder is root's alone on the host; what lies in it is for users of other containers, who get only their part.
await chmod(dir, 0o700)

const nats = await natsCredentials(dir, { gateways: [env.GATEWAY_NAME], workers })
const file = join(dir, 'postgres.json')
const saved = await readSaved(file, z.object({ password: z.string().min(16) }), 'Restore it.')
const postgres = saved ?? { password: newSecret() }
await save(file, postgres)

const queues = await queuesIn(env.MODEL_DIRS.split(':'))
const config = serverConfig({
  host: '0.0.0.0',
  ports: { client: 4222, websocket: 9223, monitor: 8222 },
  storeDir: '/data',
  operator: nats.operator,
  gateways: [{ name: env.GATEWAY_NAME, password: passwordOf(nats.gateways, env.GATEWAY_NAME) }],
  workers: workers.map((id) => ({ id, password: passwordOf(nats.workers, id), queues })),
})
await give('broker', 'nats.conf', config)
await give('postgres', 'password', postgres.password)
await give('gateway', 'june.env', [
  `NATS_URL=nats://${env.GATEWAY_NAME}:${passwordOf(nats.gateways, env.GATEWAY_NAME)}@nats:4222`,
  `DATABASE_URL=postgres://june:${postgres.password}@postgres:5432/june`,
])
for (const id of workers)
  await give(id, 'june.env', [`NATS_URL=nats://${id}:${passwordOf(nats.workers, id)}@nats:4222`])

process.stdout.write(
  `wrote the secrets of ${['nats', 'postgres', 'gateway', ...workers].join(', ')}\n`,
)
process.stdout.write(
  `workers may serve ${queues.map(({ kind, name }) => `${kind} ${name}`).join(', ')}\n`,
)

async function give(service: string, name: string, text: string | string[]): Promise<void> {
  const path = join(dir, service, name)
  await mkdir(join(dir, service), { recursive: true })
  await writeFile(path, typeof text === 'string' ? text : `${text.join('\n')}\n`)
  await chmod(join(dir, service), 0o755)
  await chmod(path, 0o644)
}

function passwordOf(from: Record<string, string>, name: string): string {
  const password = from[name]
  if (password === undefined) throw new Error(`no password was made for ${name}`)
  return password
}
