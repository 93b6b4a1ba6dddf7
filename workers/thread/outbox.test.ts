import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'vitest'
import type { Output } from '../../proto/frame.ts'
import { Outbox } from './outbox.ts'
import type { RunBatch } from './protocol.ts'

const tokens = (...ids: number[]): Output => ({ kind: 'tokens', ids, texts: ids.map(String) })

const scored = (...ids: number[]) => ({
  ...tokens(...ids),
  scores: ids.map((id) => Uint8Array.of(id)),
})

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

  test('joins the scores of tokens that it joins', async ({ expect }) => {
    const { messages, outbox } = sent()
    outbox.say(1, scored(1))
    outbox.say(1, scored(2, 3))
    await setImmediate()
    expect(messages[0]?.[0]?.outputs).toEqual([scored(1, 2, 3)])
  })

  test('keeps the order of what is not tokens', async ({ expect }) => {
    const { messages, outbox } = sent()
    const consumed: Output = { kind: 'consumed', through: 1 }
    for (const output of [tokens(1), consumed, tokens(2)]) outbox.say(1, output)
    await setImmediate()
    expect(messages[0]?.[0]?.outputs).toEqual([tokens(1), consumed, tokens(2)])
  })

  test('sends the first of a run at once, and then joins what is made faster than anyone reads', async ({
    expect,
  }) => {
    const { messages, outbox } = sent()
    outbox.say(1, tokens(1))
    await setImmediate()
    outbox.say(1, tokens(2))
    await setImmediate()
    outbox.say(1, tokens(3))
    expect(messages.flat().map(({ outputs }) => outputs)).toEqual([[tokens(1)]])
    await sleep(20)
    expect(messages.flat().map(({ outputs }) => outputs)).toEqual([[tokens(1)], [tokens(2, 3)]])
  })

  test('does not let progress pass for the first of a run', async ({ expect }) => {
    const { messages, outbox } = sent()
    outbox.say(1, { kind: 'progress', done: 1, total: 2 })
    await setImmediate()
    outbox.say(1, tokens(1))
    await setImmediate()
    expect(messages.flat().flatMap(({ outputs }) => outputs)).toContainEqual(tokens(1))
  })

  test('makes neither another run nor an end wait', async ({ expect }) => {
    const { messages, outbox } = sent()
    outbox.say(1, tokens(1))
    await setImmediate()
    outbox.say(1, tokens(2))
    outbox.say(2, tokens(9))
    await setImmediate()
    expect(messages).toHaveLength(2)
    outbox.over(1, { failure: null, story: null })
    await setImmediate()
    expect(messages.at(-1)).toEqual([{ run: 1, outputs: [], over: { failure: null, story: null } }])
  })
})
