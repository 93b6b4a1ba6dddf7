import { describe, expect, test } from 'vitest'
import { MessagesRequest } from '../../proto/anthropic/messages.ts'
import { turnsOf } from './turns.ts'

const call = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Bern' } } as const

describe('a conversation of Anthropic’s', () => {
  test('becomes turns of system, user, assistant and tool', () => {
    expect(
      turnsOf({
        system: [
          { type: 'text', text: 'Be ' },
          { type: 'text', text: 'brief.' },
        ],
        messages: [
          { role: 'user', content: 'Is it cold?' },
          {
            role: 'assistant',
            content: [{ type: 'thinking' }, { type: 'text', text: 'Wait.' }, call],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'toolu_1', content: '-3', is_error: true },
              { type: 'text', text: 'And?' },
            ],
          },
        ],
      }),
    ).toEqual([
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'Is it cold?' },
      {
        role: 'assistant',
        text: 'Wait.',
        calls: [{ id: 'toolu_1', name: 'weather', arguments: '{"city":"Bern"}' }],
      },
      { role: 'tool', text: 'Error: -3', answers: 'toolu_1' },
      { role: 'user', text: 'And?' },
    ])
  })

  test.for([
    ['messages[0].role', [{ role: 'assistant', content: 'I am' }]],
    ['messages[0].content[0].type', [{ role: 'user', content: [call] }]],
  ] as const)('is refused by name where %s cannot be', ([param, messages]) => {
    const told = MessagesRequest.shape.messages.parse(messages)
    expect(() => turnsOf({ messages: told })).toThrow(expect.objectContaining({ param }))
  })
})
