import { randomUUID } from 'node:crypto'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { z } from 'zod'
import { migrateDb } from '../../db/migrate.ts'
import { leashed } from '../leash.ts'

export interface DatabaseFixture extends AsyncDisposable {
  url: string
}

const MAIN = fileURLToPath(new URL('../postgres/main.ts', import.meta.url))
const Ready = z.object({ type: z.literal('ready'), url: z.string() })

/** A migrated database of our own: a new one at `DATABASE_URL` where that is set, else an embedded one. */
export async function startDatabase(): Promise<DatabaseFixture> {
  // oxlint-disable-next-line node/no-process-env -- a fixture has no main that could hand it over
  const server = process.env['DATABASE_URL']
  const database = server ? await newDatabaseAt(server) : await startEmbedded()
  await migrateDb(database.url)
  return database
}

async function startEmbedded(): Promise<DatabaseFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'june-database-'))
  const child = spawn(...leashed(process.execPath, [MAIN]), {
    // oxlint-disable-next-line node/no-process-env -- the child needs PATH and HOME of its own
    env: { ...process.env, PORT: '0', POSTGRES_DIR: join(dir, 'postgres') },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { url } = Ready.parse(await firstMessage(child))
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function firstMessage(child: ChildProcess): Promise<unknown> {
  const died = once(child, 'exit').then(() => {
    throw new Error('the embedded database did not start')
  })
  const [message] = (await Promise.race([once(child, 'message'), died])) as [unknown]
  return message
}

async function newDatabaseAt(server: string): Promise<DatabaseFixture> {
  const name = `june_test_${randomUUID().replaceAll('-', '')}`
  const admin = postgres(server, { max: 1, onnotice: () => {} })
  await admin`create database ${admin(name)}`
  const url = new URL(server)
  url.pathname = name
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      await admin`drop database ${admin(name)} with (force)`
      await admin.end()
    },
  }
}
