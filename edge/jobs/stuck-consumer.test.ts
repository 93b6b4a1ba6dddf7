import type { ConsumerInfo, StreamInfo } from '@nats-io/jetstream'
import { describe, test } from 'vitest'
import { LOOKS, StuckConsumers } from './stuck-consumer.ts'

const ECHO = { kind: 'chat', name: 'echo' } as const

interface State {
  pending: number
  pulls: number
  unanswered: number
  delivered: number
  stored: number
  paused: boolean
}

const STUCK: State = {
  pending: 3,
  pulls: 2,
  unanswered: 0,
  delivered: 5,
  stored: 3,
  paused: false,
}

/** A broker in any state at all: `births` counts the consumers it had. */
function broker(state: Partial<State> = {}) {
  const now = { ...STUCK, ...state }
  let births = 1
  let clockMs = 0
  let recreated = 0
  const asked: string[] = []
  const info = async (): Promise<ConsumerInfo> => {
    asked.push('consumer')
    return {
      created: `birth ${births}`,
      config: { max_ack_pending: 1_000 },
      num_pending: now.pending,
      num_waiting: now.pulls,
      num_ack_pending: now.unanswered,
      delivered: { consumer_seq: now.delivered, stream_seq: now.delivered },
      paused: now.paused,
    } as ConsumerInfo
  }
  const streamInfo = async (): Promise<StreamInfo> =>
    ({ state: { subjects: { 'job.chat.echo': now.stored } } }) as unknown as StreamInfo
  const anew = (): void => {
    births++
    now.delivered = 0
  }
  const consumers = () =>
    new StuckConsumers({
      jsm: {
        consumers: { info, delete: async () => (anew(), true) },
        streams: { info: streamInfo },
      },
      ensureQueue: async () => {},
      log: { info: () => {}, warn: () => {}, error: () => {} },
      recreated: () => recreated++,
    })
  const watch = consumers()
  return {
    now,
    asked,
    anew,
    another: consumers,
    recreated: () => recreated,
    /** One look, long enough after the last. */
    look: (by = watch) => by.look([ECHO], (clockMs += 3_000)),
    /** As often as makes any stuck consumer be called one. */
    async looks(times = 2 * LOOKS, between: () => void = () => {}) {
      for (let i = 0; i < times; i++) {
        await watch.look([ECHO], (clockMs += 3_000))
        between()
      }
    },
  }
}

describe('a consumer that has jobs and pulls and delivers nothing', () => {
  test('is made anew at the third look, and not before', async ({ expect }) => {
    const it = broker()
    await it.looks(LOOKS - 1)
    expect(it.recreated()).toBe(0)
    await it.look()
    expect(it.recreated()).toBe(1)
  })

  test('is known by what lies in the stream, where its own count says nothing waits', async ({
    expect,
  }) => {
    const it = broker({ pending: 0, unanswered: 2, stored: 3 })
    await it.looks(LOOKS)
    expect(it.recreated()).toBe(1)
  })

  test('is tried half as often each time that a new one is stuck as well', async ({ expect }) => {
    const it = broker()
    await it.looks(LOOKS + 2 * LOOKS - 1)
    expect(it.recreated()).toBe(1)
    await it.look()
    expect(it.recreated()).toBe(2)
    await it.looks(4 * LOOKS - 1)
    expect(it.recreated()).toBe(2)
  })

  test('is found as soon as the first time once it has delivered in between', async ({
    expect,
  }) => {
    const it = broker()
    await it.looks(LOOKS)
    it.now.delivered = 1
    await it.looks(LOOKS)
    expect(it.recreated()).toBe(2)
  })

  test('is left to the gateway that was faster', async ({ expect }) => {
    const it = broker()
    const other = it.another()
    for (let i = 0; i < 2 * LOOKS - 2; i++) {
      await it.look()
      await it.look(other)
    }
    expect(it.recreated()).toBe(1)
  })

  test('is read again before it is removed', async ({ expect }) => {
    const it = broker()
    await it.looks(LOOKS - 1)
    const looking = it.look()
    // The third look is under way; the other gateway acts between it and the reading before the removal.
    await Promise.resolve()
    it.anew()
    await looking
    expect(it.recreated()).toBe(0)
  })
})

describe('a consumer is left alone', () => {
  test.for([
    ['that has nothing to deliver', { pending: 0, stored: 0 }],
    ['whose jobs are all with workers', { pending: 0, unanswered: 3 }],
    ['while no slot is free, so that nobody pulls', { pulls: 0 }],
    ['that may not offer more at once', { unanswered: 1_000 }],
    ['that somebody paused', { paused: true }],
  ] as const)('%s', async ([, state], { expect }) => {
    const it = broker(state)
    await it.looks()
    expect(it.recreated()).toBe(0)
  })

  test('that delivers, however slowly', async ({ expect }) => {
    const it = broker()
    for (let i = 0; i < LOOKS; i++) {
      await it.looks(LOOKS - 1)
      it.now.delivered++
    }
    expect(it.recreated()).toBe(0)
  })

  test('while nobody waits for it, and what was seen before is forgotten', async ({ expect }) => {
    const it = broker()
    const watch = it.another()
    await it.looks(LOOKS - 1)
    await watch.look([], 0)
    expect(it.asked).toHaveLength(LOOKS - 1)
    for (const nowMs of [10_000, 13_000]) await watch.look([ECHO], nowMs)
    await watch.look([], 14_000)
    for (const nowMs of [16_000, 19_000]) await watch.look([ECHO], nowMs)
    expect(it.recreated()).toBe(0)
  })

  test('by looks that come more often than it is looked at', async ({ expect }) => {
    const it = broker()
    const watch = it.another()
    for (let nowMs = 0; nowMs < 2_000; nowMs += 25) await watch.look([ECHO], nowMs)
    expect(it.asked).toHaveLength(1)
  })
})
