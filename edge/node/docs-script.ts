import { readFile } from 'node:fs/promises'

const SCRIPT = new URL(
  '../../node_modules/@scalar/api-reference/dist/browser/standalone.js',
  import.meta.url,
)

/** Not kept: it is four megabytes that few look at. An installation without development packages lacks it. */
export async function readDocsScript(): Promise<string | undefined> {
  try {
    return await readFile(SCRIPT, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}
