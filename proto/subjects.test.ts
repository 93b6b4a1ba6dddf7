import { describe, test } from 'vitest'
import { consumerOf, subjects } from './subjects.ts'

describe('a queue', () => {
  test.for([
    ['june-chat', 'june-chat'],
    ['qwen3-0.6b', 'qwen3-0=2e6b'],
    ['org/model *>\\', 'org=2fmodel=20=2a=3e=5c'],
    ['mô hình', 'm=c3=b4=20h=c3=acnh'],
  ])(
    'named %s is one token of a subject and a name of a consumer',
    ([name = '', token = ''], { expect }) => {
      const queue = { kind: 'chat', name } as const
      expect(subjects.job(queue)).toBe(`job.chat.${token}`)
      expect(consumerOf(queue)).toBe(`chat-${token}`)
    },
  )

  test('never shares its token with another name', ({ expect }) => {
    expect(consumerOf({ kind: 'chat', name: 'a=2eb' })).not.toBe(
      consumerOf({ kind: 'chat', name: 'a.b' }),
    )
  })
})
