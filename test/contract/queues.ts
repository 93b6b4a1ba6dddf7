import { afterEach, describe, expect, test } from 'vitest'
import { QueueList } from '../../proto/queues.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const CHAT = '/v1/chat/completions'
const SLOTS = 16

export function queues(stack: () => Stack): void {
  const ask = (json: object, signal?: AbortSignal): Promise<Response> =>
    stack().fetch(CHAT, {
      key: stack().admin,
      json: { messages: hello, ...json },
      ...(signal && { signal }),
    })

  const seen = async () => {
    const response = await stack().fetch('/admin/queues', { key: stack().admin })
    const { data } = QueueList.parse(await response.json())
    return data.find(({ queue, kind }) => queue === 'echo' && kind === 'chat')
  }

  describe('a queue', () => {
    afterEach(() => stack().idle())

    test('tells who has to wait its place, and the operator who waits', async () => {
      const hangup = new AbortController()
      const long = { model: 'echo-9999-5-0', stream: true }
      // One more than there are slots lies where workers pull.
      const busy = Array.from({ length: SLOTS + 1 }, () => ask(long, hangup.signal))
      for (const response of await Promise.all(busy))
        expect(response.headers.get('x-queue-position')).toBeNull()
      await until(async () => (await seen())?.running === SLOTS)
      const streamed = await ask({ model: 'echo-3-0-0', stream: true })
      expect(streamed.headers.get('x-queue-position')).toBe('0')
      const whole = ask({ model: 'echo-3-0-0' })
      await until(async () => (await seen())?.waiting === 2)
      expect(await seen()).toMatchObject({
        offered: 1,
        slots: SLOTS,
        tenants: [{ class: 'default', waiting: 2, served: SLOTS + 1 }],
      })
      hangup.abort()
      await Promise.allSettled(busy.map(async (asked) => (await asked).text()))
      expect(await streamed.text()).toMatch(/\[DONE\]\n\n$/)
      expect((await whole).headers.get('x-queue-position')).toBe('1')
    })

    test('is shown to operators alone', async () => {
      const { secret } = await stack().newKey()
      const refused = await stack().fetch('/admin/queues', { key: secret })
      expect(refused.status).toBe(403)
    })
  })
}
