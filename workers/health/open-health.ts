import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'

export interface HealthOptions {
  host: string
  /** 0 is any. One that is taken becomes any, and the log says so. */
  port: number
  ready: () => boolean
  register: Registry
  log: Logger
}

export interface HealthServer extends AsyncDisposable {
  url: string
}

/** `/health`, `/ready` and `/metrics`, for those who keep this process alive and watch it. */
export async function openHealth(options: HealthOptions): Promise<HealthServer> {
  const { host, port, ready, register, log } = options
  const server = createServer((request, response) => {
    switch (new URL(request.url ?? '/', 'http://worker').pathname) {
      case '/health':
        return answer(response, 200, { status: 'ok' })
      case '/ready':
        return answer(response, ready() ? 200 : 503, { status: ready() ? 'ready' : 'not ready' })
      case '/metrics':
        return void register.metrics().then(
          (text) => response.writeHead(200, { 'content-type': register.contentType }).end(text),
          (thrown: unknown) => {
            log.error({ err: thrown }, 'the metrics could not be read')
            response.writeHead(500).end()
          },
        )
      default:
        return answer(response, 404, { status: 'not found' })
    }
  })
  if (!(await listens(server, host, port))) {
    log.warn({ port }, 'the port is taken: another one is used')
    await listens(server, host, 0)
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${portOf(server)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, status: number, body: { status: string }): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** False where the port is taken; every other trouble is thrown. */
async function listens(server: Server, host: string, port: number): Promise<boolean> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
    return true
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (port !== 0 && code === 'EADDRINUSE') return false
    throw thrown
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
