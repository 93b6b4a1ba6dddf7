import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** `up` is what the client says to the server, `down` what it is told. */
export type Direction = 'up' | 'down'

/**
 * pass     as it came
 * hold     nothing is read on: bytes wait, and come once it passes again
 * drop     bytes are read and thrown away, and neither side is told
 * latency  each byte comes `ms` later, in order
 * corrupt  one byte in `oneIn` is another
 * replace  where `from` comes in one piece, `to` is sent instead: of the same length, so that nothing else is wrong
 */
export type Weather =
  | { mode: 'pass' | 'hold' | 'drop' }
  | { mode: 'latency'; ms: number }
  | { mode: 'corrupt'; oneIn: number }
  | { mode: 'replace'; from: string; to: string }

export interface Seen {
  passed: number
  dropped: number
  changed: number
  delayed: number
}

export interface TcpProxy extends AsyncDisposable {
  port: number
  /** Bytes, by what became of them: the proof that a fault took effect. */
  seen: Record<Direction, Seen>
  /** Sets what happens to bytes from now on, in one direction or in both. */
  set: (weather: Weather, direction?: Direction) => void
  /** Ends every connection with RST. How many there were. */
  reset: () => number
}

const PASS: Weather = { mode: 'pass' }
const none = (): Seen => ({ passed: 0, dropped: 0, changed: 0, delayed: 0 })

/** A line between a client and a server on this machine that can be made bad while it is used. */
export async function startTcpProxy(target: { port: number }): Promise<TcpProxy> {
  const weather: Record<Direction, Weather> = { up: PASS, down: PASS }
  const seen: Record<Direction, Seen> = { up: none(), down: none() }
  const sockets = new Set<Socket>()

  function carry(from: Socket, to: Socket, direction: Direction): void {
    from.on('data', (bytes: Buffer) => {
      const now = weather[direction]
      const count = seen[direction]
      if (now.mode === 'drop') count.dropped += bytes.byteLength
      else if (now.mode === 'latency') {
        count.delayed += bytes.byteLength
        setTimeout(() => to.write(bytes), now.ms)
      } else {
        if (now.mode === 'corrupt') count.changed += corrupt(bytes, now.oneIn)
        if (now.mode === 'replace') count.changed += replace(bytes, now)
        count.passed += bytes.byteLength
        to.write(bytes)
      }
    })
    from.on('close', () => to.destroy())
    from.on('error', () => to.destroy())
    if (weather[direction].mode === 'hold') from.pause()
  }

  const ends: Record<Direction, Set<Socket>> = { up: new Set(), down: new Set() }
  const server = createServer({ noDelay: true }, (client) => {
    const broker = connect({ port: target.port, host: '127.0.0.1', noDelay: true })
    for (const [socket, direction] of [
      [client, 'up'],
      [broker, 'down'],
    ] as const) {
      sockets.add(socket)
      ends[direction].add(socket)
      socket.once('close', () => {
        sockets.delete(socket)
        ends[direction].delete(socket)
      })
    }
    carry(client, broker, 'up')
    carry(broker, client, 'down')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()

  return {
    port: typeof address === 'object' && address ? address.port : 0,
    seen,
    set: (now, only) => {
      for (const direction of only ? [only] : (['up', 'down'] as const)) {
        weather[direction] = now
        for (const socket of ends[direction])
          if (now.mode === 'hold') socket.pause()
          else socket.resume()
      }
    },
    reset: () => {
      const open = [...sockets]
      for (const socket of open) socket.resetAndDestroy()
      return open.length / 2
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Flips the lowest bit of one byte in so many. How many. */
function corrupt(bytes: Buffer, oneIn: number): number {
  let changed = 0
  for (let i = 0; i < bytes.byteLength; i++) {
    if (Math.random() * oneIn >= 1) continue
    bytes[i] = (bytes[i] ?? 0) ^ 1
    changed++
  }
  return changed
}

function replace(bytes: Buffer, { from, to }: { from: string; to: string }): number {
  const at = bytes.indexOf(from)
  return at === -1 ? 0 : bytes.write(to, at)
}
