import { describe, expect, test } from 'vitest'
import { newJobId } from '../../proto/ids.ts'
import { CompletionChunk } from '../../proto/openai/completions.ts'
import { faultsBy } from './openai-schema.ts'
import { oracle } from './oracle.ts'
import type { Stack } from './stack.ts'

const SEED = 21
const ask = (model: string, extra: object = {}) => ({
  model,
  prompt: 'once upon a time',
  seed: SEED,
  ...extra,
})

export function completions(stack: () => Stack): void {
  const post = (body: object, headers: Record<string, string> = {}) =>
    stack().fetch('/v1/completions', { key: stack().admin, json: body, headers })

  describe('a completion', () => {
    test('goes on with a text, for 16 tokens where nobody says how many', async () => {
      const made = await stack().openai().completions.create(ask('echo-40-0-0'))
      expect(faultsBy('CreateCompletionResponse', made)).toEqual([])
      expect(made).toMatchObject({
        id: expect.stringMatching(/^cmpl-/),
        object: 'text_completion',
        choices: [{ index: 0, text: oracle(SEED, 16), logprobs: null, finish_reason: 'length' }],
        usage: { prompt_tokens: 4, completion_tokens: 16, total_tokens: 20 },
      })
    })

    test('has a choice for each prompt and each of n, and counts a prompt once', async () => {
      const body = ask('echo-3-0-0', { prompt: ['one', 'two words'], n: 2, echo: true })
      const made = await stack().openai().completions.create(body)
      expect(made.choices.map(({ index, text }) => [index, text])).toEqual([
        [0, `one${oracle(SEED, 3)}`],
        [1, `one${oracle(SEED + 1, 3)}`],
        [2, `two words${oracle(SEED + 2, 3)}`],
        [3, `two words${oracle(SEED + 3, 3)}`],
      ])
      expect(made.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 12 })
    })

    test('streams its choices beside each other, and their usage at the end', async () => {
      const stream = await stack()
        .openai()
        .completions.create({
          ...ask('echo-5-10-0', { n: 2, echo: true }),
          stream: true,
          stream_options: { include_usage: true },
        })
      const texts = ['', '']
      const chunks = []
      for await (const chunk of stream) {
        chunks.push(chunk)
        for (const { index, text } of chunk.choices) texts[index] += text
      }
      expect(chunks.flatMap((chunk) => faultsBy('CreateCompletionResponse', told(chunk)))).toEqual(
        [],
      )
      expect(texts).toEqual([0, 1].map((i) => `once upon a time${oracle(SEED + i, 5)}`))
      const finished = chunks.flatMap(({ choices }) => choices.map((one) => one.finish_reason))
      expect(finished.filter(Boolean)).toEqual(['stop', 'stop'])
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 10 } })
    })

    test('tells how likely its tokens were as it did of old', async () => {
      const { choices } = await stack()
        .openai()
        .completions.create(ask('echo-2-0-0', { logprobs: 2 }))
      const tokens = [oracle(SEED, 1), oracle(SEED, 2).slice(oracle(SEED, 1).length)]
      expect(choices[0]?.logprobs).toMatchObject({
        tokens,
        token_logprobs: [0, 0],
        top_logprobs: tokens.map((token) => ({ [token]: 0 })),
        text_offset: [0, oracle(SEED, 1).length],
      })
    })

    test('may be nothing but its prompt', async () => {
      const made = await stack()
        .openai()
        .completions.create(ask('echo-2-0-0', { max_tokens: 0, echo: true }))
      expect(made.choices[0]?.text).toBe('once upon a time')
    })

    test('of one choice can be read on, exactly, by the id of its last event', async () => {
      const body = ask('echo-9-0-0', { stream: true, stream_options: { include_usage: true } })
      const first = await post(body, { 'x-stream-resume': '1' })
      const all = blocks(await first.text())
      const ids = all.map((block) => /^id: (.+)$/m.exec(block)?.[1])
      for (const [i, id] of ids.slice(0, -1).entries()) {
        const again = await post(body, { 'last-event-id': String(id) })
        expect(blocks(await again.text()).join('')).toBe(all.slice(i + 1).join(''))
      }
      const path = `/v1/streams/${first.headers.get('x-generation-id')}?after=0`
      const rest = await stack().fetch(path, { key: stack().admin })
      expect(blocks(await rest.text()).at(-1)).toBe('data: [DONE]')
    })

    test('asked for twice with one idempotency key is one, choice for choice', async () => {
      const headers = { 'idempotency-key': newJobId() }
      const body = ask('echo-3-0-0', { n: 2, seed: null })
      const [one, two] = await Promise.all(
        [1, 2].map(async () => (await post(body, headers)).json()),
      )
      expect(one).toEqual(two)
    })

    test.for<[object, string]>([
      [{ prompt: undefined }, 'prompt'],
      [{ prompt: null }, 'prompt'],
      [{ prompt: '' }, 'prompt'],
      [{ prompt: [] }, 'prompt'],
      [{ prompt: [1, 2, 3] }, 'prompt'],
      [{ prompt: [[1, 2, 3]] }, 'prompt'],
      [{ prompt: Array.from({ length: 129 }, () => 'x') }, 'prompt'],
      [{ suffix: 'the end' }, 'suffix'],
      [{ n: 0 }, 'n'],
      [{ prompt: ['a', 'b'], n: 128 }, 'n'],
      [{ best_of: 2 }, 'best_of'],
      [{ logprobs: 6 }, 'logprobs'],
      [{ logprobs: 1, echo: true }, 'logprobs'],
      [{ max_tokens: -1 }, 'max_tokens'],
      [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
      [{ model: 'nobody' }, 'model'],
    ])('asked for with %j is refused by name', async ([wrong, param]) => {
      const refused = await post(ask('echo-1-0-0', wrong))
      const body = (await refused.json()) as { error: { param: string } }
      expect(faultsBy('ErrorResponse', body)).toEqual([])
      expect([refused.status < 500, body.error.param]).toEqual([true, param])
    })

    test('of several choices cannot be resumed', async () => {
      const refused = await post(ask('echo-1-0-0', { n: 2 }), { 'x-stream-resume': '1' })
      expect(await refused.json()).toMatchObject({ error: { param: 'x-stream-resume' } })
    })
  })
}

const blocks = (body: string): string[] =>
  body.replaceAll(/^:\n/gm, '').split('\n\n').filter(Boolean)

/** OpenAI's description has no word for a chunk of it: a choice that is not over, and a usage that is not known. */
function told(chunk: unknown): object {
  const { usage, ...rest } = CompletionChunk.parse(chunk)
  const choices = rest.choices.map((one) => ({
    ...one,
    finish_reason: one.finish_reason ?? 'stop',
  }))
  return { ...rest, choices, ...(usage && { usage }) }
}
