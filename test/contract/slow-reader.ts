import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { CREDIT_WINDOW } from '../../proto/job.ts'
import { hello } from './oracle.ts'
import { RawClient } from './raw-client.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

/** What a gateway may have between the job desk and the kernel: the buffer of one socket, and a batch or two. */
const WRITE_BUFFER_BYTES = 128 * 1024

export function slowReader(stack: () => Stack): void {
  const made = () => stack().metric('w1', 'june_worker_tokens_total')

  /** How many tokens were made once no more are, which is not the end of the answer. */
  const stalled = async (beforehand: number): Promise<number> => {
    for (let before = -1; ;) {
      const total = await made()
      if (total > beforehand && total === before) return total
      before = total
      await sleep(500)
    }
  }

  describe('a client that does not read', () => {
    test('holds back the worker, by the credit window, and frees it when it goes', async () => {
      const url = new URL('/v1/chat/completions', stack().url)
      const beforehand = await made()
      const json = { model: 'echo-999999-0-0', messages: hello, stream: true }
      const client = await RawClient.post(url, stack().admin, json)

      // The sockets' buffers take some megabytes. Then everything must stand still, the model too.
      const total = await stalled(beforehand)
      expect(total - beforehand).toBeLessThan(999_999)

      // The gateway frozen, what comes now is what the kernel held; the rest of what was made is in the gateway.
      const pids = await familyOf(stack().gateway.pid)
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      await client.drain(300)
      for (const pid of pids) process.kill(pid, 'SIGCONT')
      const got = [...client.text.matchAll(/\d+ (?=[\d "])/g)].length
      const bytesPerToken = client.text.length / got
      const ahead = total - beforehand - got
      expect(got).toBeGreaterThan(1_000)
      expect(ahead).toBeLessThan(2 * CREDIT_WINDOW + WRITE_BUFFER_BYTES / bytesPerToken)

      client[Symbol.dispose]()
      await stack().idle()
      await until(async () => (await stack().queued()) === 0)
    })
  })
}

/** A process and its children: on workerd, the process that we started is not the one that serves. */
async function familyOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}
