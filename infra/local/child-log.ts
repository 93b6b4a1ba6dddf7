import { closeSync, openSync, renameSync, writeSync } from 'node:fs'

const MAX_BYTES = 8 * 1024 * 1024
const TAIL_LINES = 30

/** The log file of one child: this run's and, as `.1`, what was before. It never outgrows its bound, and never throws. */
export class ChildLog {
  readonly file: string
  readonly #tail: string[] = []
  #fd: number | undefined
  #bytes = 0

  constructor(file: string) {
    this.file = file
    this.#rotate()
  }

  /** What it said last, for the report of its death. */
  get tail(): readonly string[] {
    return this.#tail
  }

  write(line: string): void {
    this.#tail.push(line)
    if (this.#tail.length > TAIL_LINES) this.#tail.shift()
    try {
      if (this.#bytes > MAX_BYTES) this.#rotate()
      if (this.#fd !== undefined) this.#bytes += writeSync(this.#fd, `${line}\n`)
    } catch {
      // A full disk costs the log, never the child.
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #rotate(): void {
    this.close()
    this.#bytes = 0
    try {
      renameSync(this.file, `${this.file}.1`)
    } catch {
      // The first run has nothing to keep.
    }
    try {
      this.#fd = openSync(this.file, 'w', 0o600)
    } catch {
      // As above: without a file there is still the tail.
    }
  }
}
