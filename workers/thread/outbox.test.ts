import { setImmediate } from 'node:timers/promises'
import { describe, test } from 'vitest'
import type { Output } from '../../proto/frame.ts'
import { Outbox } from './outbox.ts'
import type { RunBatch } from './protocol.ts'

const tokens = (...ids: number[]): Output => ({ kind: 'tokens', ids, texts: ids.map(String) })

function sent() {
  const messages: RunBatch[][] = []
  return { messages, outbox: new Outbox((runs) => messages.push(runs)) }
}

describe('an outbox', () => {
  test('sends what came together as one message, tokens joined', async ({ expect }) => {
    const { messages, outbox } = sent()
    outbox.say(1, tokens(1))
    outbox.say(2, tokens(9))
    outbox.say(1, tokens(2, 3))
    outbox.over(1, { failure: null, story: null })
    await setImmediate()
    expect(messages).toEqual([
      [
        { run: 1, outputs: [tokens(1, 2, 3)], over: { failure: null, story: null } },
        { run: 2, outputs: [tokens(9)] },
      ],
    ])
  })

  test('keeps the order of what is not tokens', async ({ expect }) => {
    const { messages, outbox } = sent()
    const consumed: Output = { kind: 'consumed', through: 1 }
    for (const output of [tokens(1), consumed, tokens(2)]) outbox.say(1, output)
    await setImmediate()
    expect(messages[0]?.[0]?.outputs).toEqual([tokens(1), consumed, tokens(2)])
  })

  test('sends nothing twice', async ({ expect }) => {
    const { messages, outbox } = sent()
    outbox.say(1, tokens(1))
    await setImmediate()
    outbox.say(1, tokens(2))
    await setImmediate()
    await setImmediate()
    expect(messages.map(([batch]) => batch?.outputs)).toEqual([[tokens(1)], [tokens(2)]])
  })
})
