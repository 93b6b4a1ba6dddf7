import { describe, test } from 'vitest'
import { Silence } from './silence.ts'

const after = (build: (silence: Silence) => void): Silence => {
  const silence = new Silence()
  build(silence)
  return silence
}

describe('silence', () => {
  test('is half a second for a model whose pace nobody knows', ({ expect }) => {
    const silence = after((s) => s.start(1_000, 0))
    expect([silence.over(1_500), silence.over(1_501)]).toEqual([false, true])
  })

  test('is eight steps of a slow model', ({ expect }) => {
    const silence = after((s) => s.start(0, 200))
    expect([silence.over(1_600), silence.over(1_601)]).toEqual([false, true])
  })

  test('follows the pace that is measured', ({ expect }) => {
    const silence = after((s) => {
      s.start(0, 0)
      for (let i = 1; i <= 50; i++) s.heard(i * 300, 1)
    })
    expect([silence.over(15_000 + 2_300), silence.over(15_000 + 2_401)]).toEqual([false, true])
  })

  test('starts anew with prefill progress, which moves no pace', ({ expect }) => {
    const silence = after((s) => {
      s.start(0, 0)
      s.heard(400, 0)
      s.heard(800, 0)
    })
    expect([silence.over(1_300), silence.over(1_301)]).toEqual([false, true])
  })

  test('is seen through the pauses of a listener that often does not listen', ({ expect }) => {
    const silence = after((s) => {
      s.start(0, 0)
      for (let i = 0; i < 4; i++) s.forgive(170)
    })
    expect([silence.over(1_180), silence.over(1_181)]).toEqual([false, true])
  })

  test('does not count time in which nothing could be said', ({ expect }) => {
    const silence = after((s) => {
      s.start(0, 0)
      s.excuse(10_000)
    })
    expect(silence.over(10_500)).toBe(false)
  })
})
