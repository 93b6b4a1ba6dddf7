import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { z } from 'zod'
import { cacheDir } from '../cache-dir.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { openCluster } from './open-cluster.ts'

/**
 * The embedded Postgres: a process of its own, because a query blocks its event loop. All connections share one session: no
 * COPY (it hangs the server for good), LISTEN, advisory locks, SET or long transactions may come over this socket.
 */
const env = z
  .object({
    HOST: z.string().default('127.0.0.1'),
    PORT: z.coerce.number().int().min(0).max(65_535).default(5432),
    POSTGRES_DIR: z.string().min(1),
  })
  .parse(process.env)

const db = await openCluster(env.POSTGRES_DIR, cacheDir(process.env))
const server = new PGLiteSocketServer({
  db: oneAtATime(db),
  host: env.HOST,
  port: env.PORT,
  maxConnections: 200,
})
await server.start()

const url = `postgres://postgres@${server.getServerConn()}/postgres`
if (process.send) process.send({ type: 'ready', url })
else process.stdout.write(`${url}\n`)

let stopping = false
async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  await server.stop()
  await db.close()
  process.exit(0)
}
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())
process.on('disconnect', () => void stop())
