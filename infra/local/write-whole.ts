import { rename, writeFile } from 'node:fs/promises'

/** For our eyes only, and never seen half written. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const mine = `${file}.${process.pid}.tmp`
  await writeFile(mine, text, { mode: 0o600, flush: true })
  await rename(mine, file)
}
