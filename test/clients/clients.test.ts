import Anthropic from '@anthropic-ai/sdk'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import OpenAI6 from 'openai6'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokenPromises } from '../../cli/check/run-checks.ts'
import { startStack, type StackFixture } from '../../infra/testing/start-stack.ts'

const model = 'june-chat'
const QUESTION = 'What is June?'

const textsOf = ({ content }: Anthropic.Message): string[] =>
  content.map((block) => ('text' in block ? block.text : block.type))

let stack: StackFixture
let baseURL: string
let apiKey: string

beforeAll(async () => {
  stack = await startStack()
  baseURL = `${stack.run.gateway}/v1`
  apiKey = stack.run.key
}, 120_000)
afterAll(() => stack[Symbol.asyncDispose]())

/** Clients that others wrote, against a June as `npm start` brings it up, with the model that comes with it. */
describe('a June with its built-in model', () => {
  test('keeps every promise of the API', async () => {
    expect(await brokenPromises({ url: stack.run.gateway, key: apiKey, model })).toEqual({})
  })

  const greedy = { temperature: 0, max_tokens: 24 }
  const messages = [{ role: 'user' as const, content: QUESTION }]

  test.for([
    ['current', new OpenAI({ apiKey: 'later' })],
    ['previous', new OpenAI6({ apiKey: 'later' }) as unknown as OpenAI],
  ] as const)('talks with the %s openai SDK', async ([, sdk]) => {
    const client = sdk.withOptions({ apiKey, baseURL, maxRetries: 0 })
    const asked = { model, messages, ...greedy }
    const whole = await client.chat.completions.create(asked)
    const text = whole.choices[0]?.message.content
    expect(text).toMatch(/June/)
    const stream = client.chat.completions.stream({
      ...asked,
      stream_options: { include_usage: true },
    })
    expect(await stream.finalContent()).toBe(text)
    expect(await stream.totalUsage()).toMatchObject({
      completion_tokens: whole.usage?.completion_tokens,
    })
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toContain(model)
    await expect(client.chat.completions.create({ ...asked, model: 'none' })).rejects.toMatchObject(
      { status: 404, code: 'model_not_found', requestID: /^req_/ },
    )
  })

  test.for([
    ['current', new OpenAI({ apiKey: 'later' })],
    ['previous', new OpenAI6({ apiKey: 'later' }) as unknown as OpenAI],
  ] as const)('gives responses and completions to the %s openai SDK', async ([, sdk]) => {
    const client = sdk.withOptions({ apiKey, baseURL, maxRetries: 0 })
    const asked = { model, input: QUESTION, temperature: 0, max_output_tokens: 24 }
    const whole = await client.responses.create(asked)
    expect(whole.output_text).toMatch(/June/)
    const stream = client.responses.stream({ ...asked, include: ['message.output_text.logprobs'] })
    const streamed = await stream.finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
    expect(streamed.usage?.output_tokens).toBe(whole.usage?.output_tokens)
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    const parsed = await client.responses.create({
      ...asked,
      previous_response_id: whole.id,
      text: { format: { type: 'json_schema', name: 'number', schema } },
    })
    expect(JSON.parse(parsed.output_text)).toEqual({ n: expect.any(Number) })
    const text = { model, prompt: 'June serves', temperature: 0, max_tokens: 8, logprobs: 2 }
    const { choices } = await client.completions.create(text)
    const [choice] = choices
    expect(choice?.logprobs?.tokens?.join('')).toBe(choice?.text)
    expect(choice?.logprobs?.token_logprobs).toHaveLength(8)
    const one = await client.completions.create({ ...text, stream: true })
    let said = ''
    for await (const chunk of one) said += chunk.choices.map((each) => each.text).join('')
    expect(said).toBe(choice?.text)
  })

  test('talks with the AI SDK', async () => {
    const june = createOpenAICompatible({ name: 'june', baseURL, apiKey, includeUsage: true })
    const asked = { model: june(model), prompt: QUESTION, temperature: 0, maxOutputTokens: 24 }
    const whole = await generateText(asked)
    expect(whole.text).toMatch(/June/)
    const stream = streamText(asked)
    let text = ''
    for await (const piece of stream.textStream) text += piece
    expect(text).toBe(whole.text)
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens)
  })

  test('talks with LangChain', async () => {
    const june = new ChatOpenAI({
      model,
      apiKey,
      configuration: { baseURL },
      temperature: 0,
      maxTokens: 24,
      streamUsage: true,
    })
    const whole = await june.invoke(QUESTION)
    expect(whole.text).toMatch(/June/)
    let text = ''
    for await (const piece of await june.stream(QUESTION)) text += piece.text
    expect(text).toBe(whole.text)
  })

  test('talks with the Anthropic SDK', async () => {
    const client = new Anthropic({ apiKey, baseURL: stack.run.gateway, maxRetries: 0 })
    const asked = { model, messages, temperature: 0, max_tokens: 24 }
    const whole = await client.messages.create(asked)
    expect(whole).toMatchObject({ stop_reason: 'max_tokens', content: [{ type: 'text' }] })
    const stream = client.messages.stream(asked)
    const told = await stream.finalMessage()
    expect(textsOf(told)).toEqual(textsOf(whole))
    expect(told.usage.output_tokens).toBe(24)
    const { input_tokens: counted } = await client.messages.countTokens({ model, messages })
    const { usage } = whole
    expect(counted).toBe(usage.input_tokens + Number(usage.cache_read_input_tokens))
    const stop = textsOf(whole).join('').slice(20, 24)
    const cut = await client.messages.create({ ...asked, stop_sequences: [stop] })
    expect(cut).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: stop })
    const unknown = client.messages.create({ ...asked, model: 'none' })
    await expect(unknown).rejects.toMatchObject({ status: 404, requestID: /^req_/ })
  })

  test('calls functions of the Anthropic SDK', async () => {
    const client = new Anthropic({ apiKey, baseURL: stack.run.gateway, maxRetries: 0 })
    const schema = { type: 'object', properties: { city: { enum: ['Bern', 'Oslo'] } } } as const
    const asked = {
      model,
      messages,
      max_tokens: 120,
      tools: [{ name: 'weather', input_schema: { ...schema, required: ['city'] } }],
      tool_choice: { type: 'tool', name: 'weather' },
    } satisfies Anthropic.MessageCreateParams
    const whole = await client.messages.create(asked)
    expect(whole).toMatchObject({
      stop_reason: 'tool_use',
      content: [
        {
          type: 'tool_use',
          name: 'weather',
          input: { city: expect.stringMatching(/^(Bern|Oslo)$/) },
        },
      ],
    })
    const told = await client.messages.stream(asked).finalMessage()
    expect(told.content).toMatchObject([
      { type: 'tool_use', input: { city: expect.stringMatching(/^(Bern|Oslo)$/) } },
    ])
  })
})
