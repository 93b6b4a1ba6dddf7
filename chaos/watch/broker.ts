import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { z } from 'zod'
import { JOBS, LEDGER } from '../../proto/subjects.ts'
import { LedgerView, type Of } from '../history.ts'
import type { History } from '../history-file.ts'

/** Every record of LEDGER, in the order in which they were written. */
export async function noteLedger(history: History, nc: NatsConnection): Promise<void> {
  const jsm = await jetstreamManager(nc)
  for (let seq = 1; ;) {
    const message = await next(jsm, seq)
    if (!message) return
    const job = message.subject.split('.')[1] ?? ''
    const record = LedgerView.parse(message.json())
    history.add({ type: 'ledger', seq: message.seq, job, record })
    seq = message.seq + 1
  }
}

async function next(jsm: JetStreamManager, seq: number) {
  try {
    return await jsm.direct.getMessage(LEDGER, { seq, next_by_subj: 'ledger.*' })
  } catch (thrown) {
    if (thrown instanceof Error && /no message found|404/i.test(thrown.message)) return null
    throw thrown
  }
}

/** What lies in each stream, and what its consumers have not finished. */
export async function noteStreams(
  history: History,
  nc: NatsConnection,
  when: Of<'stream'>['when'],
): Promise<void> {
  const jsm = await jetstreamManager(nc)
  for await (const { config, state } of jsm.streams.list()) {
    const consumers: Of<'stream'>['consumers'] = []
    for await (const info of jsm.consumers.list(config.name))
      consumers.push({
        name: info.name,
        pending: info.num_pending,
        unacknowledged: info.num_ack_pending,
      })
    history.add({ type: 'stream', when, name: config.name, messages: state.messages, consumers })
  }
}

export async function jobsLeft(nc: NatsConnection): Promise<number> {
  const jsm = await jetstreamManager(nc)
  return (await jsm.streams.info(JOBS)).state.messages
}

const Connections = z.object({
  connections: z.array(
    z.object({
      authorized_user: z.string().optional(),
      subscriptions_list: z.array(z.string()).default([]),
    }),
  ),
})

/** What each connection listens to: a subject with the id of a job in it is of that job alone. */
export async function noteSubscriptions(
  history: History,
  dataDir: string,
  when: Of<'subscriptions'>['when'],
): Promise<void> {
  const config = await readFile(join(dataDir, 'nats', 'nats.conf'), 'utf8')
  const [, monitor] = /^http: "(.*)"/m.exec(config) ?? []
  const response = await fetch(`http://${monitor}/connz?subs=true&auth=true&limit=1024`)
  const { connections } = Connections.parse(await response.json())
  for (const { authorized_user: user = '', subscriptions_list: list } of connections) {
    // Replies come and go: a worker's open pulls are some.
    const subjects = list.filter((subject) => !subject.startsWith('_INBOX.')).toSorted()
    history.add({ type: 'subscriptions', when, user, subjects })
  }
}
