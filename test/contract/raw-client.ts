import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

/** A client that reads when it is told to, and not before: what it has not read stays in the kernel. */
export class RawClient implements Disposable {
  readonly #socket: Socket
  #text = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('error', () => undefined)
    socket.on('data', (text: string) => {
      this.#text += text
    })
    socket.pause()
  }

  /** Posts JSON, and reads nothing of the answer yet. */
  static async post(url: URL, key: string, json: object): Promise<RawClient> {
    const socket = connect(Number(url.port), url.hostname)
    await once(socket, 'connect')
    const client = new RawClient(socket)
    const body = JSON.stringify(json)
    const head = [
      `POST ${url.pathname} HTTP/1.1`,
      `host: ${url.host}`,
      `authorization: Bearer ${key}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    return client
  }

  /** All that came and was read so far: head, chunk sizes and events. */
  get text(): string {
    return this.#text
  }

  /** Reads until nothing has come for so long. */
  async drain(quietMs: number): Promise<void> {
    this.#socket.resume()
    for (let before = -1; before < this.#text.length;) {
      before = this.#text.length
      await new Promise((done) => setTimeout(done, quietMs))
    }
    this.#socket.pause()
  }

  [Symbol.dispose](): void {
    this.#socket.resetAndDestroy()
  }
}
