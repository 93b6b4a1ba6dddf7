import { once } from 'node:events'
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Failure } from '../../proto/failure.ts'

/** A request must have come whole within this; an answer may take as long as it takes. */
const REQUEST_TIMEOUT_MS = 60_000
/** The longest any common proxy keeps an idle connection: ours must be the one that is closed last. */
const KEEP_ALIVE_MS = 75_000

/**
 * Headers leave with the first words of the body. hono's adapter would send them ahead, in a packet of their own; every
 * stream of ours says something within milliseconds.
 */
class Answer extends ServerResponse {
  override flushHeaders(): void {}
}

/** The app behind a plain Node server, and how many requests it is answering. Resolves when it listens; rejects with a sentence when the port is taken. */
export async function listen(
  fetch: (request: Request, incoming: IncomingMessage) => Response | Promise<Response>,
  { host, port }: { host: string; port: number },
): Promise<{ server: Server; url: string; answering: () => number }> {
  const answer = getRequestListener((request, { incoming }) =>
    fetch(request, incoming as IncomingMessage),
  )
  let answering = 0
  const server = createServer(
    {
      ServerResponse: Answer,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // No `Upgrade` is answered yet; without this a client that offers one would wait for ever.
      shouldUpgradeCallback: () => false,
    },
    (incoming, outgoing) => {
      answering++
      outgoing.once('close', () => answering--)
      void answer(incoming, outgoing)
    },
  )
  server.on('clientError', refuse)
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
  return {
    server,
    answering: () => answering,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
  }
}

const refusals: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Bytes that are no HTTP never reach the app: they get the same error object, and the connection ends. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = refusals[error.code ?? ''] ?? '400 Bad Request'
  const failure = new Failure('invalid', `The request could not be read: ${status.slice(4)}.`)
  const body = JSON.stringify(failure.toOpenAi())
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  socket.end(head + body)
}
