import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { promptBound } from '../../edge/budget/prompt-bound.ts'
import { jobOf } from '../../edge/limit/limit-fixture.ts'
import { newKeyId, newProjectId } from '../../proto/ids.ts'
import type { Tool } from '../../proto/calling.ts'
import type { ChatJob, ChatMessage } from '../../proto/job.ts'
import { ChatTemplate } from '../../workers/engines/llama/chat-template.ts'

const SIZE = 100_000
const long = 'x'.repeat(SIZE)

const tool = (its: Partial<Tool> = {}): Tool => ({
  name: 'add',
  description: null,
  parameters: null,
  strict: false,
  ...its,
})
const calling = (tools: Tool[]): ChatJob['calling'] => ({ tools, choice: 'auto', parallel: true })

const offered = (tools: Tool[]): ChatJob['calling'] =>
  tools.length > 0 ? calling(tools) : undefined

const plain: ChatJob = {
  ...jobOf({ id: newKeyId(), project: newProjectId() }, { promptTokens: 10, maxTokens: 1 }),
  messages: [{ role: 'user', text: 'hi' }],
}
const bound = (its: Partial<ChatJob>): number => promptBound({ ...plain, ...its })

/** Each field of a chat, made so large that the prompt grows if a template is shown it; `null` where none is. */
const grown: Record<keyof ChatJob, Partial<ChatJob>[] | null> = {
  messages: [
    { messages: [{ role: 'user', text: long }] },
    {
      messages: [{ role: 'assistant', text: '', calls: [{ id: '1', name: long, arguments: '' }] }],
    },
    {
      messages: [{ role: 'assistant', text: '', calls: [{ id: '1', name: 'a', arguments: long }] }],
    },
  ],
  prompt: [{ messages: [], prompt: long }],
  calling: [
    { calling: calling([tool({ description: long })]) },
    { calling: calling([tool({ parameters: JSON.stringify({ type: long }) })]) },
    { calling: calling(Array.from({ length: SIZE / 256 + 1 }, () => tool())) },
  ],
  sampling: [
    { sampling: { ...plain.sampling, format: { kind: 'schema', schema: `{"title":"${long}"}` } } },
  ],
  // One of a few short words.
  effort: null,
  id: null,
  kind: null,
  model: null,
  gateway: null,
  tenant: null,
  organisation: null,
  key: null,
  user: null,
  priority: null,
  admittedAtMs: null,
  deadlineAtMs: null,
  price: null,
  funds: null,
  reading: null,
  caching: null,
}

/** As templates write them, the widest that there are first. */
const TEMPLATES = [
  '{% if tools %}{{ tools | tojson(indent=4) }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content | tojson }}{% if m.tool_calls %}{{ m.tool_calls | tojson(indent=4) }}{% endif %}{{ m.name }}{{ m.tool_call_id }}{% endfor %}',
  '{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}{% endif %}{{ m.name }}{% endfor %}{{ reasoning_effort }}',
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n',
].map((source) => new ChatTemplate(source, { bos: '<s>', eos: '</s>', isPlain, calls: 'hermes' }))

function isPlain(text: string): boolean {
  return !text.includes('<')
}

const bytesOf = (job: ChatJob): number[] =>
  TEMPLATES.map((template) =>
    template
      .render(job.messages, { calling: job.calling, effort: job.effort, held: false })
      .reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
  )

const text = fc.string({ unit: 'binary', maxLength: 40 })
const json = fc.json({ maxDepth: 12 }).map((its) => JSON.stringify(JSON.parse(its)))
const call = fc.record({
  id: fc.constantFrom('1', '2'),
  name: text,
  arguments: fc.oneof(json, text),
})
const message: fc.Arbitrary<ChatMessage> = fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), text }),
  fc.record({
    role: fc.constant('assistant'),
    text,
    calls: fc.array(call, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ role: fc.constant('tool'), text, answers: fc.constantFrom('1', '2') }),
)
const chat = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 12 }),
  effort: fc.constantFrom('none' as const, 'high' as const),
  tools: fc.array(
    fc.record({
      name: fc.constant('a'.repeat(64)),
      description: fc.option(text),
      parameters: fc.option(
        fc.oneof(
          json,
          fc.array(fc.constant(1e20)).map((its) => JSON.stringify(its)),
        ),
      ),
      strict: fc.boolean(),
    }),
    { maxLength: 10 },
  ),
})

const growing = Object.entries(grown).flatMap(([name, its]) =>
  (its ?? []).map((job) => [name, job] as const),
)

describe('the bound of a prompt', () => {
  test.for(growing)('grows with %s', ([, job]) => {
    expect(bound(job)).toBeGreaterThan(SIZE)
  })

  test('is not passed by what a template makes of a chat', () => {
    fc.assert(
      fc.property(chat, ({ messages, effort, tools }) => {
        const job = {
          ...plain,
          messages,
          effort,
          calling: offered(tools),
        }
        expect(Math.max(...bytesOf(job))).toBeLessThanOrEqual(promptBound(job))
      }),
      { numRuns: 500 },
    )
  })

  test.for([
    [
      'functions that are written indented',
      { calling: calling([tool({ parameters: nested(100) })]) },
    ],
    [
      'arguments that are written indented',
      {
        messages: [
          { role: 'assistant', text: '', calls: [{ id: '1', name: 'a', arguments: nested(100) }] },
        ],
      },
    ],
    [
      'numbers that are written out',
      {
        calling: calling([
          tool({ parameters: `[${Array.from({ length: 1_000 }, () => '1e20').join()}]` }),
        ]),
      },
    ],
    [
      'a name that is shown with each of its results',
      {
        messages: [
          {
            role: 'assistant',
            text: '',
            calls: [{ id: '1', name: 'n'.repeat(1_000), arguments: '{}' }],
          },
          ...Array.from({ length: 100 }, () => ({ role: 'tool' as const, text: '', answers: '1' })),
        ],
      },
    ],
  ] satisfies [string, Partial<ChatJob>][])('holds for %s', ([, its]) => {
    const job: ChatJob = { ...plain, ...its }
    expect(Math.max(...bytesOf(job))).toBeLessThanOrEqual(promptBound(job))
  })

  test('of what is nested deeper than anybody could write is found at once', () => {
    const deep = bound({ calling: calling([tool({ parameters: '['.repeat(500_000) })]) })
    expect(deep).toBeGreaterThan(500_000 ** 2)
    expect(Number.isSafeInteger(deep)).toBe(true)
  })
})

function nested(levels: number): string {
  return `${'{"a":['.repeat(levels)}1,2,3${']}'.repeat(levels)}`
}
