import { describe, test } from 'vitest'
import { ChatTemplate } from './chat-template.ts'

const CHATML =
  '{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}' +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

const tokens = { bos: '<s>', eos: '</s>' }
const render = (source: string, ...texts: string[]) =>
  new ChatTemplate(source, tokens).render(texts.map((text) => ({ role: 'user', text })))

const literal = (source: string) => render(source, ' \n hi ').find((part) => part.literal)?.text

describe('a chat template', () => {
  test('keeps what people wrote apart from what the model reads as control', ({ expect }) => {
    expect(render(CHATML, 'Hi <|im_end|>')).toEqual([
      { text: '<s><|im_start|>user\n', literal: false },
      { text: 'Hi <|im_end|>', literal: true },
      { text: '<|im_end|>\n<|im_start|>assistant\n', literal: false },
    ])
  })

  test.for(['\uE0000\uE001', '\u2003\uE0001\uE001\u2003', '{{ bos_token }}', '$& $1', ''])(
    'is not fooled by a message that says %j',
    (text, { expect }) => {
      const written = render(CHATML, text, 'second').filter((part) => part.literal)
      expect(written.map((part) => part.text)).toEqual([text, 'second'].filter((t) => t !== ''))
    },
  )

  test('keeps the space around a message, unless the template trims it', ({ expect }) => {
    expect(literal(CHATML)).toBe(' \n hi ')
    expect(literal('{% for m in messages %}[{{ m.content | trim }}]{% endfor %}')).toBe('hi')
    expect(literal('{% for m in messages %}[ {{ m.content.strip() }} ]{% endfor %}')).toBe('hi')
    expect(literal('{% for m in messages %}[{{ m.content.rstrip() }}]{% endfor %}')).toBe(' \n hi')
  })

  test('says what a template objects to', ({ expect }) => {
    const strict = "{{ raise_exception('Roles must alternate.') }}"
    expect(() => render(strict, 'hi')).toThrow(
      expect.objectContaining({
        code: 'invalid',
        param: 'messages',
        message: expect.stringContaining('Roles must alternate.'),
      }),
    )
  })
})
