import { appendFileSync, readFileSync } from 'node:fs'
import { threadId, isMainThread } from 'node:worker_threads'
import { CHANNEL, Order } from './order.ts'

/**
 * Loaded into a worker before its own code, by NODE_OPTIONS: on SIGUSR2 it does to its process, or to one of its
 * threads, what the file beside it says. The code under test is the one that ships.
 */
// oxlint-disable-next-line node/no-process-env -- it has no main: it stands before one
const { JUNE_FAULTS: dir, WORKER_ID: worker } = process.env
if (dir && worker) {
  const channel = new BroadcastChannel(CHANNEL)
  channel.addEventListener('message', (event) => obey(Order.parse((event as MessageEvent).data)))
  channel.unref()
  if (isMainThread)
    process.on('SIGUSR2', () => {
      const order = Order.parse(JSON.parse(readFileSync(`${dir}/${worker}.json`, 'utf8')))
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel of threads has no origins
      channel.postMessage(order)
      obey(order)
    })
}

function obey({ thread, action, forMs, proof }: Order): void {
  if (thread !== threadId) return
  appendFileSync(proof, `${action}\n`)
  if (action === 'exit') process.exit(7)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs)
  appendFileSync(proof, 'over\n')
}
