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

  /** Long answers until one has to wait: how many lie ahead where workers pull is measured as the way there is. */
  const crowd = async (signal: AbortSignal): Promise<Response[]> => {
    const busy: Response[] = []
    while (busy.length < 3 * SLOTS && !busy.at(-1)?.headers.has('x-queue-position'))
      busy.push(await ask({ model: 'echo-9999-5-0', stream: true }, signal))
    return busy
  }

  describe('a queue', () => {
    afterEach(() => stack().idle())

    test('tells who has to wait its place, and the operator who waits', async () => {
      const hangup = new AbortController()
      const busy = await crowd(hangup.signal)
      const places = busy.map((response) => response.headers.get('x-queue-position'))
      expect(places.slice(0, SLOTS)).toEqual(Array.from({ length: SLOTS }, () => null))
      expect(places.at(-1)).toBe('0')
      await until(async () => (await seen())?.running === SLOTS)
      const streamed = await ask({ model: 'echo-3-0-0', stream: true })
      expect(streamed.headers.get('x-queue-position')).toBe('1')
      const whole = ask({ model: 'echo-3-0-0' })
      await until(async () => (await seen())?.waiting === 3)
      expect(await seen()).toMatchObject({
        slots: SLOTS,
        tenants: [{ class: 'default', waiting: 3 }],
      })
      hangup.abort()
      await Promise.allSettled(busy.map((response) => response.text()))
      expect(await streamed.text()).toMatch(/\[DONE\]\n\n$/)
      expect((await whole).headers.get('x-queue-position')).toBe('2')
    })

    test('is shown to operators alone', async () => {
      const { secret } = await stack().newKey()
      const refused = await stack().fetch('/admin/queues', { key: secret })
      expect(refused.status).toBe(403)
    })
  })
}
