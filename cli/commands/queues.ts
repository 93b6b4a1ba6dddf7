import { Command } from 'commander'
import type { JuneClient } from '../../client/june-client.ts'
import type { QueueList } from '../../proto/queues.ts'
import { table } from '../table.ts'

/** `june queues` */
export const queuesCommand = (client: () => JuneClient, print: (text: string) => void): Command =>
  new Command('queues')
    .description('who waits at the gateway for which model')
    .action(async () => print(queuesTable(await client().queues())))

export function queuesTable({ gateway, data }: QueueList): string {
  if (data.length === 0) return `Nothing was asked of ${gateway} yet.`
  const queues = data.map((one) => [
    one.queue,
    String(one.waiting),
    `${one.offered} of ${one.window}`,
    `${one.running} of ${one.slots}`,
    one.intervalMs === null ? '-' : `${one.intervalMs} ms`,
  ])
  const tenants = data.flatMap(({ queue, tenants: all }) =>
    all.map((one) => [
      queue,
      one.class,
      one.project,
      String(one.waiting),
      String(one.served),
      String(one.counter),
    ]),
  )
  return [
    table(['queue', 'waiting', 'offered', 'running', 'one ends every'], queues),
    table(['queue', 'class', 'project', 'waiting', 'served', 'tokens counted'], tenants),
  ].join('\n\n')
}
