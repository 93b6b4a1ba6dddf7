import { createWriteStream, type WriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { HistoryEvent } from './history.ts'

type Untimed = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, 'tMs'>
    : never
  : never

/** Everything that was seen, one line each, in the order in which it was seen. */
export class History {
  readonly file: string
  readonly #out: WriteStream
  readonly #startMs = performance.now()

  constructor(file: string) {
    this.file = file
    this.#out = createWriteStream(file, { mode: 0o600 })
  }

  /** Milliseconds since the run began. */
  get nowMs(): number {
    return Math.round((performance.now() - this.#startMs) * 100) / 100
  }

  add(event: Untimed, tMs = this.nowMs): void {
    this.#out.write(`${JSON.stringify({ tMs, ...event })}\n`)
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#out.once('error', reject)
      this.#out.end(resolve)
    })
  }
}

/** Throws where a line is no event: what cannot be read proves nothing. */
export async function readHistory(file: string): Promise<HistoryEvent[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  if (lines.pop() !== '') throw new Error(`${file} does not end with a whole line.`)
  return lines.map((line, i) => {
    try {
      return HistoryEvent.parse(JSON.parse(line))
    } catch (cause) {
      throw new Error(`${file}, line ${i + 1}: this is no event.`, { cause })
    }
  })
}
