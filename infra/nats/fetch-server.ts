import { execFile } from 'node:child_process'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Trouble } from '../trouble.ts'
import { archiveOf } from './apt-sources.ts'
import { INSTALL } from './server-version.ts'

const run = promisify(execFile)

/** The stable release of Debian whose nats-server is new enough; its binary needs nothing but libc. */
const RELEASE = 'trixie'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Takes the package of the host's own archive apart under `dir`. Needs neither root nor dpkg's database. */
export async function fetchServer(dir: string): Promise<string> {
  const os = await osRelease()
  try {
    const apt = os['ID'] === 'debian' ? await debianApt(dir) : []
    if (apt.length > 0) await run('apt-get', [...apt, '-qq', 'update'], { timeout: 180_000 })
    await run('apt-get', [...apt, '-qq', 'download', 'nats-server'], { cwd: dir, timeout: 120_000 })
    const deb = (await readdir(dir)).find((name) => name.endsWith('.deb'))
    await run('dpkg', ['-x', join(dir, deb ?? ''), join(dir, 'root')])
  } catch (cause) {
    if (cause instanceof Trouble) throw cause
    throw new Trouble(`nats-server could not be fetched: ${lastLine(cause)}`, INSTALL, { cause })
  }
  return join(dir, 'root/usr/sbin/nats-server')
}

/** Options that give apt a private state and one source, and leave it the host's proxies and credentials. */
async function debianApt(dir: string): Promise<string[]> {
  const archive = await archiveOf('/etc/apt')
  if (!archive) throw new Trouble('apt has no Debian archive configured here.', INSTALL)
  const keyring = archive.signedBy ?? KEYRING
  await readFile(keyring).catch((cause: unknown) => {
    const remedy = `Install debian-archive-keyring, so that packages can be verified. Or: ${INSTALL}`
    throw new Trouble(`The keyring ${keyring} is missing.`, remedy, { cause })
  })
  await mkdir(join(dir, 'lists/partial'), { recursive: true })
  await mkdir(join(dir, 'archives/partial'), { recursive: true })
  await writeFile(join(dir, 'status'), '')
  await writeFile(
    join(dir, 'sources.list'),
    `deb [signed-by=${keyring}] ${archive.uri} ${RELEASE} main\n`,
  )
  await writeFile(join(dir, 'apt.conf'), aptConf(dir))
  return ['-c', join(dir, 'apt.conf')]
}

const aptConf = (dir: string): string => `
Dir::Etc::sourcelist "${dir}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
Dir::State::lists "${dir}/lists";
Dir::State::status "${dir}/status";
Dir::Cache "${dir}";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::Retries "2";
// The folder is ours alone, so apt's own user could not write to it.
APT::Sandbox::User "";
APT::Get::AllowUnauthenticated "false";
// What the host does after its own updates is not for this one.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`

async function osRelease(): Promise<Record<string, string>> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const lines = text.matchAll(/^(\w+)=(.*)$/gm)
  return Object.fromEntries(
    Array.from(lines, ([, name = '', value = '']) => [name, value.replace(/^"|"$/g, '')]),
  )
}

function lastLine(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const { stderr = '', code } = cause as Error & { stderr?: string; code?: string }
  if (code === 'ENOENT') return 'apt-get and dpkg are needed for that, and are not here.'
  return stderr.trim().split('\n').at(-1) || cause.message
}
