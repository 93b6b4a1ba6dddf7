import { describe, test } from 'vitest'
import { faultsBy, nullable, type Json } from './openai-schema.ts'

describe("OpenAI's own description", () => {
  test.for<[Json, Json]>([
    [{ type: 'string', nullable: true }, { anyOf: [{ type: 'string' }, { type: 'null' }] }],
    [{ enum: ['a'], nullable: false }, { enum: ['a'] }],
    [
      { properties: { nullable: { type: 'string' } } },
      { properties: { nullable: { type: 'string' } } },
    ],
  ])('says %j as JSON schema of today does', ([old, now], { expect }) => {
    expect(nullable(old)).toEqual(now)
  })

  test('knows an answer, and what is wrong with one that is none', ({ expect }) => {
    const message = { role: 'assistant', content: 'hi', refusal: null }
    const choice = { index: 0, message, finish_reason: 'stop', logprobs: null }
    const answer = {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [choice],
    }
    expect(faultsBy('CreateChatCompletionResponse', answer)).toEqual([])
    const spoilt = { ...answer, choices: [{ ...choice, finish_reason: 'over' }] }
    expect(faultsBy('CreateChatCompletionResponse', spoilt)).toContainEqual(
      expect.stringContaining('/choices/0/finish_reason must be equal to one of'),
    )
    expect(() => faultsBy('Nothing', answer)).toThrow('no schema "Nothing"')
  })
})
