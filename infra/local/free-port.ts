import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** `wanted`, if nothing listens there; else any port that is free now. 0 wants any. */
export async function freePort(wanted = 0, host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  try {
    server.listen(wanted, host)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch (cause) {
    if (wanted === 0) throw cause
    return await freePort(0, host)
  } finally {
    server.close()
  }
}
