import { z } from 'zod'
import { expectTo, type Check, type Probe } from './probe.ts'

const Whole = z.object({
  id: z.string().min(1),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z
    .array(
      z.object({
        index: z.int(),
        message: z.looseObject({ role: z.literal('assistant'), content: z.string().nullable() }),
        finish_reason: z.string(),
        logprobs: z
          .looseObject({
            content: z
              .array(z.looseObject({ logprob: z.number(), top_logprobs: z.array(z.unknown()) }))
              .nullable(),
          })
          .nullish(),
      }),
    )
    .min(1),
  usage: z.looseObject({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
  }),
})

const ModelList = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      id: z.string(),
      object: z.literal('model'),
      created: z.int(),
      owned_by: z.string(),
    }),
  ),
})

const whole = (probe: Probe, more: object = {}): Promise<z.infer<typeof Whole>> =>
  probe.fine(Whole, probe.chat(more))

const textOf = ({ choices: [choice] }: z.infer<typeof Whole>): string =>
  choice?.message.content ?? ''

/** What a whole answer is. */
export const answers: readonly Check[] = [
  {
    id: 'models',
    title: 'the list of models has the model, which can be asked for by itself',
    run: async (probe) => {
      const { data } = await probe.fine(ModelList, probe.fetch('/v1/models'))
      expectTo(
        data.some(({ id }) => id === probe.model),
        `${probe.model} is not among ${data.length}`,
      )
      const path = `/v1/models/${encodeURIComponent(probe.model)}`
      await probe.fine(ModelList.shape.data.element, probe.fetch(path))
    },
  },
  {
    id: 'whole',
    title: 'a whole answer has the shape of one',
    run: async (probe) => void (await whole(probe)),
  },
  {
    id: 'usage',
    title: 'prompt and completion tokens add up',
    run: async (probe) => {
      const { usage } = await whole(probe)
      const sum = usage.prompt_tokens + usage.completion_tokens
      expectTo(sum === usage.total_tokens, JSON.stringify(usage))
      expectTo(usage.prompt_tokens > 0 && usage.completion_tokens > 0, JSON.stringify(usage))
    },
  },
  ...(['max_tokens', 'max_completion_tokens'] as const).map((limit): Check => ({
    id: limit,
    title: `an answer that ${limit} cuts ends with "length", at that token`,
    run: async (probe) => {
      const { choices, usage } = await whole(probe, { max_tokens: undefined, [limit]: 2 })
      expectTo(
        choices[0]?.finish_reason === 'length',
        `finish_reason: ${choices[0]?.finish_reason}`,
      )
      expectTo(usage.completion_tokens === 2, `${usage.completion_tokens} tokens`)
    },
  })),
  {
    id: 'stop',
    title: 'a stop string ends the answer with "stop", and is not in it',
    run: async (probe) => {
      const settled = { temperature: 0, seed: 1 }
      const full = textOf(await whole(probe, settled))
      const stop = full.slice(3, 5)
      expectTo(stop !== '', `the answer is too short to cut: ${JSON.stringify(full)}`)
      const cut = await whole(probe, { ...settled, stop })
      expectTo(cut.choices[0]?.finish_reason === 'stop', JSON.stringify(cut.choices[0]))
      expectTo(textOf(cut) === full.slice(0, full.indexOf(stop)), JSON.stringify(textOf(cut)))
    },
  },
  {
    id: 'seed',
    title: 'the same seed gives the same answer',
    run: async (probe) => {
      const settled = { temperature: 1, seed: 7 }
      const [a, b] = [await whole(probe, settled), await whole(probe, settled)]
      expectTo(
        textOf(a) === textOf(b),
        `${JSON.stringify(textOf(a))}, ${JSON.stringify(textOf(b))}`,
      )
    },
  },
  {
    id: 'logprobs',
    title: 'log probabilities: one entry a token, with as many others as were asked for',
    run: async (probe) => {
      const { choices, usage } = await whole(probe, { logprobs: true, top_logprobs: 2 })
      const told = choices[0]?.logprobs?.content ?? []
      expectTo(told.length === usage.completion_tokens, `${told.length} entries`)
      expectTo(
        told.every(({ top_logprobs: top, logprob }) => top.length === 2 && logprob <= 0),
        JSON.stringify(told[0]),
      )
    },
  },
  {
    id: 'unknown-field',
    title: 'a field that nobody knows is ignored',
    run: async (probe) => void (await whole(probe, { no_such_field: { at: 'all' } })),
  },
  {
    id: 'content-parts',
    title: 'a message may be a list of text parts',
    run: async (probe) => {
      const content = [{ type: 'text', text: 'Hello!' }]
      await whole(probe, { messages: [{ role: 'user', content }] })
    },
  },
  {
    id: 'developer',
    title: 'a developer message is taken as a system message is',
    run: async (probe) => {
      const { messages } = probe.hello()
      await whole(probe, { messages: [{ role: 'developer', content: 'Be brief.' }, ...messages] })
    },
  },
  {
    id: 'nulls',
    title: 'optional fields may be null, as many clients send them',
    run: async (probe) => {
      const nothing = { stop: null, temperature: null, top_p: null, seed: null, stream: null }
      await whole(probe, { ...nothing, logprobs: null, user: null, n: null })
    },
  },
]
