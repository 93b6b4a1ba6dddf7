import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { realpath } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { Trouble } from '../trouble.ts'

/**
 * Makes this process the only launcher of a data folder. The lock is a name in the kernel that ends with the process, so a
 * launcher that was killed leaves none behind; and it answers with the pid of its holder.
 */
export async function lock(dataDir: string): Promise<Disposable> {
  const name = createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
  const path = `\0june-launcher-${name}`
  const server = createServer((asker) => asker.on('error', () => {}).end(String(process.pid)))
  server.unref()
  try {
    server.listen(path)
    await once(server, 'listening')
  } catch (cause) {
    const holder = await text(connect(path)).catch(() => 'unknown')
    throw new Trouble(
      `June already runs from ${dataDir} (pid ${holder}).`,
      'Stop that one first, or set JUNE_DATA_DIR to another folder and JUNE_PORT to another port.',
      { cause },
    )
  }
  return { [Symbol.dispose]: () => void server.close() }
}
