import { freePort } from './free-port.ts'

/** Ports for things that start later: no two of them the same, and where one is taken another, and said so. */
export class Ports {
  readonly #given = new Set<number>()
  readonly #say: (text: string) => void

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  /** 0 wants any. `what` is the variable by which a person chooses it. */
  async take(wanted: number, what: string): Promise<number> {
    let port = await freePort(this.#given.has(wanted) ? 0 : wanted)
    while (this.#given.has(port)) port = await freePort()
    this.#given.add(port)
    if (wanted !== 0 && port !== wanted) this.#say(`port ${wanted} is taken: ${what} is ${port}`)
    return port
  }
}
