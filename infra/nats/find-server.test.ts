import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { fromDeb822, fromLines } from './apt-sources.ts'
import { findServer } from './find-server.ts'
import { isNewEnough } from './server-version.ts'

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'june-find-'))
  onTestFinished(() => rm(dir, { recursive: true }))
})

/** Something that says it is a nats-server, and nothing else. */
async function fake(folder: string, version: string): Promise<string> {
  await mkdir(join(dir, folder), { recursive: true })
  const file = join(dir, folder, 'nats-server')
  await writeFile(file, `#!/bin/sh\necho 'nats-server: ${version}'\n`)
  await chmod(file, 0o755)
  return file
}

describe('the nats-server that is used', () => {
  test('is the one that is named, and never a named one that is too old', async () => {
    const named = await fake('named', 'v2.11.0')
    await expect(findServer({ env: { NATS_SERVER_BIN: named } })).resolves.toBe(named)
    const old = await fake('old', 'v2.9.10')
    await expect(findServer({ env: { NATS_SERVER_BIN: old } })).rejects.toThrow('it is 2.9.10')
    await expect(findServer({ env: { NATS_SERVER_BIN: '/nowhere' } })).rejects.toThrow(
      'does not run',
    )
  })

  test('is else the one on PATH, if it is new enough, else the one in the cache', async () => {
    const installed = await fake('bin', 'v2.10.27')
    const cached = await fake(`cache/june/${process.platform}-${process.arch}`, 'v2.10.27')
    const env = { PATH: join(dir, 'bin'), XDG_CACHE_HOME: join(dir, 'cache') }
    await expect(findServer({ env })).resolves.toBe(installed)
    await fake('bin', 'v2.10.26')
    await expect(findServer({ env })).resolves.toBe(cached)
    await expect(findServer({ env: { ...env, PATH: '' } })).resolves.toBe(cached)
  })

  test.for([
    ['2.10.27', true],
    ['2.10.26', false],
    ['2.9.99', false],
    ['2.11.0', true],
    ['3.0.0', true],
    ['1.99.99', false],
  ] as const)('%s is new enough: %s', ([version, enough]) => {
    expect(isNewEnough(version.split('.').map(Number))).toBe(enough)
  })
})

describe('the archive that apt is configured with', () => {
  test('is read from stanzas, past security, third parties and what is disabled', () => {
    const text = `Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Signed-By: /usr/share/keyrings/other.gpg

# a comment
Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm

Types: deb deb-src
URIs: http://mirror.example/debian/ http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`
    expect(fromDeb822(text)).toEqual([
      {
        uri: 'http://mirror.example/debian/',
        signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
      },
    ])
  })

  test('is read from lines', () => {
    const text = `# deb http://off.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/x.asc] https://apt.example/stable stable main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main
deb http://plain.example/debian bookworm main
`
    expect(fromLines(text)).toEqual([
      { uri: 'http://mirror.example/debian', signedBy: '/k.gpg' },
      { uri: 'http://plain.example/debian', signedBy: undefined },
    ])
  })
})
