import { Template } from '@huggingface/jinja'
import { Failure } from '../../../proto/failure.ts'
import type { ChatMessage } from '../../../proto/job.ts'

/** A piece of a prompt. What people wrote is `literal`: no part of it is ever read as a control token. */
export interface Part {
  text: string
  literal: boolean
}

/** Private use: a template passes them on untouched. The em space shows whether it trims. */
const OPEN = '\uE000'
const CLOSE = '\uE001'
const PAD = '\u2003'
const MARK = new RegExp(`(${PAD}?)${OPEN}(\\d+)${CLOSE}(${PAD}?)`, 'gu')

/**
 * A model's own chat template. It is rendered over marks in place of the messages, which are put in afterwards: in a
 * prompt rendered whole, `<|im_end|>` typed by a user would be the end of the message.
 */
export class ChatTemplate {
  readonly #template: Template
  readonly #globals: Record<string, unknown>

  constructor(source: string, tokens: { bos: string | null; eos: string | null }) {
    this.#template = new Template(source)
    this.#globals = { bos_token: tokens.bos ?? '', eos_token: tokens.eos ?? '' }
  }

  render(messages: readonly ChatMessage[]): Part[] {
    const rendered = this.#rendered(
      messages.map(({ role }, i) => ({ role, content: `${PAD}${OPEN}${i}${CLOSE}${PAD}` })),
    )
    const parts: Part[] = []
    let at = 0
    for (const match of rendered.matchAll(MARK)) {
      const [whole, before, index, after] = match
      const text = messages[Number(index)]?.text ?? ''
      parts.push({ text: rendered.slice(at, match.index), literal: false })
      parts.push({ text: trimmed(text, before === '', after === ''), literal: true })
      at = match.index + whole.length
    }
    parts.push({ text: rendered.slice(at), literal: false })
    return parts.filter(({ text }) => text !== '')
  }

  #rendered(messages: { role: string; content: string }[]): string {
    try {
      return this.#template.render({ ...this.#globals, messages, add_generation_prompt: true })
    } catch (cause) {
      // Most often the template's own rule, such as that roles must alternate.
      const why = cause instanceof Error ? cause.message : 'its template failed'
      throw new Failure('invalid', `The model cannot take these messages: ${why}`, {
        param: 'messages',
        cause,
      })
    }
  }
}

function trimmed(text: string, start: boolean, end: boolean): string {
  const from = start ? text.trimStart() : text
  return end ? from.trimEnd() : from
}
