import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Trouble } from '../trouble.ts'

const WRANGLER = fileURLToPath(
  new URL('bin/wrangler.js', import.meta.resolve('wrangler/package.json')),
)

/** It asks nobody, tells nobody, and needs no network. */
const QUIET = {
  CI: '1',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

/** Bundles the Worker as `wrangler deploy` would upload it. Answers the names of its modules, the entry first. */
export async function bundleWorker(
  configFile: string,
  outDir: string,
  env: Record<string, string | undefined>,
): Promise<string[]> {
  await rm(outDir, { recursive: true, force: true })
  const args = ['deploy', '--dry-run', '--config', configFile, '--outdir', outDir]
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    env: { ...env, ...QUIET, WRANGLER_LOG_PATH: `${outDir}-logs` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Trouble('The Worker could not be bundled.', said.trim())
  const modules = (await readdir(outDir)).filter((name) => /\.(js|html|txt|wasm)$/.test(name))
  return modules.toSorted((a, b) => Number(b === 'main.js') - Number(a === 'main.js'))
}
