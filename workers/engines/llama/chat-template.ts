import { Template } from '@huggingface/jinja'
import type { Calling, CallSyntax, Dialect, Thinking } from '../../../proto/calling.ts'
import { Failure } from '../../../proto/failure.ts'
import type { ChatMessage, Effort } from '../../../proto/job.ts'
import { inWords } from './calls-in-words.ts'
import { Literals, type Part } from './literals.ts'
import { PROBE, readDialect } from './read-dialect.ts'

export interface Asking {
  calling?: Calling | undefined
  effort?: Effort | undefined
  /** The answer is held to something from its first token on: it has no room for thoughts. */
  held?: boolean | undefined
}

interface TemplateRules {
  bos: string | null
  eos: string | null
  /** Whether a text is no control token, in whole or in part. What a template is given as it is must be. */
  isPlain?: (text: string) => boolean
  /** How it calls functions, where the template does not show that. */
  calls?: CallSyntax | undefined
}

/**
 * A model's own chat template. It is rendered over marks in place of what people wrote, which is put in afterwards: in a
 * prompt rendered whole, `<|im_end|>` typed by a user would be the end of the message.
 */
export class ChatTemplate {
  /** How answers tell calls and thoughts. */
  readonly dialect: Dialect
  readonly #template: Template
  readonly #globals: Record<string, unknown>
  readonly #isPlain: (text: string) => boolean
  /** The template itself tells the model of functions, and how it calls them is known here. */
  readonly #knowsTools: boolean

  constructor(source: string, { bos, eos, isPlain = () => true, calls }: TemplateRules) {
    this.#template = new Template(source)
    this.#globals = { bos_token: bos ?? '', eos_token: eos ?? '' }
    this.#isPlain = isPlain
    const { dialect, knowsTools } = readDialect(source, (tools) => this.#probe(tools), calls)
    this.dialect = dialect
    this.#knowsTools = knowsTools
  }

  render(messages: readonly ChatMessage[], asking: Asking = {}): Part[] {
    const parts = this.#knowsTools
      ? this.#rendered(messages, asking)
      : this.#inWords(messages, asking)
    const { calling, held, effort } = asking
    this.#settle(parts, held || effort === 'none' ? 'closed' : this.dialect.thinking)
    if (calling?.choice === 'required' && this.dialect.calls === 'mistral')
      parts.push({ text: '[TOOL_CALLS]', literal: false })
    return parts
  }

  /** Whether a prompt opens the thoughts of its answer may depend on what it asks for; whoever reads the answer cannot know. */
  #settle(parts: Part[], thinking: Thinking | 'closed' | undefined): void {
    const last = parts.at(-1)
    const text = last && !last.literal ? last.text : ''
    const at = /<think>\s*$/.exec(text)?.index
    if (thinking === 'opened' && at === undefined) parts.push({ text: '<think>\n', literal: false })
    if (thinking === 'closed' && at !== undefined)
      parts.push({ text: '\n</think>\n\n', literal: false })
    if (thinking === 'marked' && at !== undefined)
      parts.splice(-1, 1, { text: text.slice(0, at), literal: false })
  }

  /** For a model that was not taught how to: told in its first message, or, where it takes none, in the user's. */
  #inWords(messages: readonly ChatMessage[], asking: Asking): Part[] {
    const options = { ...asking, calling: undefined }
    try {
      return this.#rendered(inWords(messages, asking.calling, 'system'), options)
    } catch (thrown) {
      if (!asking.calling) throw thrown
      return this.#rendered(inWords(messages, asking.calling, 'user'), options)
    }
  }

  #rendered(messages: readonly ChatMessage[], { calling, effort }: Asking): Part[] {
    const literals = new Literals(this.#isPlain)
    try {
      const rendered = this.#template.render({
        ...this.#globals,
        messages: seenBy(messages, literals),
        ...(calling && { tools: calling.tools.map((tool) => toolFor(tool, literals)) }),
        ...(effort && { reasoning_effort: effort, enable_thinking: effort !== 'none' }),
        add_generation_prompt: true,
      })
      return literals.put(rendered)
    } catch (cause) {
      // Most often the template's own rule, such as that roles must alternate.
      const why = cause instanceof RangeError ? 'they are nested too deeply' : reasonOf(cause)
      throw new Failure('invalid', `The model cannot take these messages: ${why}`, {
        param: 'messages',
        cause,
      })
    }
  }

  #probe(tools: boolean): string {
    const messages = [{ role: 'user', content: 'Hello.' }]
    const added = tools ? { tools: [PROBE] } : {}
    try {
      return this.#template.render({
        ...this.#globals,
        messages,
        ...added,
        add_generation_prompt: true,
      })
    } catch {
      return ''
    }
  }
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : 'its template failed'

/** Messages as templates have them. Ids of calls are made anew: some templates take none but of nine letters and digits. */
function seenBy(messages: readonly ChatMessage[], literals: Literals): object[] {
  const ids = new Map<string, { id: string; name: string }>()
  return messages.map(({ role, text, calls = [], answers }) => {
    const content = text === '' && calls.length > 0 ? '' : literals.message(text, role === 'tool')
    const called = calls.map(({ id, name, arguments: json }) => {
      const known = { id: `call${String(ids.size).padStart(5, '0')}`, name: literals.data(name) }
      ids.set(id, known)
      const its = literals.data(parsed(json))
      return { id: known.id, type: 'function', function: { name: known.name, arguments: its } }
    })
    const answered = answers === undefined ? undefined : ids.get(answers)
    return {
      role,
      content,
      ...(called.length > 0 && { tool_calls: called }),
      ...(answered && { tool_call_id: answered.id, name: answered.name }),
    }
  })
}

function toolFor({ name, description, parameters }: Calling['tools'][number], literals: Literals) {
  const schema = parameters === null ? { type: 'object', properties: {} } : parsed(parameters)
  const its = { name, description: description ?? '', parameters: schema }
  return { type: 'function', function: literals.data(its) }
}

/** What a model wrote in another answer may be no JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}
