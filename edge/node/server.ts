import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'

/** A request must have come whole within this; an answer may take as long as it takes. */
const REQUEST_TIMEOUT_MS = 60_000
/** The longest any common proxy keeps an idle connection: ours must be the one that is closed last. */
const KEEP_ALIVE_MS = 75_000

/** The app behind a plain Node server. Resolves when it listens; rejects with a sentence when the port is taken. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: { host: string; port: number },
): Promise<{ server: Server; url: string }> {
  const answer = getRequestListener(fetch)
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // No `Upgrade` is answered yet; without this a client that offers one would wait for ever.
      shouldUpgradeCallback: () => false,
    },
    (incoming, outgoing) => void answer(incoming, outgoing),
  )
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    throw new Error(
      taken ? `Port ${port} is taken. Set PORT to another, or to 0 for any.` : String(cause),
      { cause },
    )
  }
  const { port: bound } = server.address() as AddressInfo
  return { server, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}` }
}
