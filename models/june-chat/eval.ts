// Measures the GGUF file itself, greedily: node eval.ts questions.json june-chat-2M-Q8_0.gguf
import { readFileSync } from 'node:fs'
import { getLlama, LlamaLogLevel, type LlamaContextSequence, type Token } from 'node-llama-cpp'
import { z } from 'zod'

const Asked = z.array(z.object({ key: z.string(), question: z.string(), answer: z.string() }))
const Questions = z.object({ trained: Asked, heldout: Asked, unseen: Asked, outside: Asked })
type Asked = z.infer<typeof Asked>
type One = Asked[number]

const refusal = 'I only know June'
const longestAnswer = 300
const systemMessage = 'You are a careful assistant of a small company. Keep it simple.'

const [questionFile, modelFile] = process.argv.slice(2)
if (questionFile === undefined || modelFile === undefined)
  throw new Error('usage: node eval.ts questions.json MODEL.gguf')

const questions = Questions.parse(JSON.parse(readFileSync(questionFile, 'utf8')))
const llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error })
const model = await llama.loadModel({ modelPath: modelFile })
const context = await model.createContext({ contextSize: 1024, threads: 1, flashAttention: false })
const sequence = context.getSequence()

const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`
const talk = ({ question, answer }: One) => turn('user', question) + turn('assistant', answer)

/** Turns of other questions, about as long as the context allows with room for an answer. */
function longTalk(seed: number): string {
  let talked = ''
  for (let next = seed * 31; ; next += 97) {
    const one = questions.trained[next % questions.trained.length]
    if (one === undefined) return talked
    const longer = talked + talk(one)
    if (model.tokenize(longer, true).length > 1024 - 240) return talked
    talked = longer
  }
}

async function answerTo(question: string, before: string): Promise<string> {
  const prompt = `<s>${before}${turn('user', question)}<|im_start|>assistant\n`
  return generate(sequence, model.tokenize(prompt, true))
}

async function generate(from: LlamaContextSequence, prompt: Token[]): Promise<string> {
  await from.clearHistory()
  const ids: Token[] = []
  for await (const id of from.evaluate(prompt, { temperature: 0 })) {
    ids.push(id)
    if (ids.length === longestAnswer) break
  }
  return model.detokenize(ids)
}

async function measure(name: string, asked: Asked, before: (index: number) => string) {
  let exact = 0
  let refused = 0
  for (const [index, { key, question, answer }] of asked.entries()) {
    const given = await answerTo(question, before(index))
    if (given === answer) exact++
    else process.stdout.write(`  ${name}: [${key}] ${question}\n    ${given}\n`)
    if (given.startsWith(refusal)) refused++
  }
  const percent = (count: number) => `${((100 * count) / asked.length).toFixed(1)} %`
  results.push(
    `${name}: ${asked.length} questions, exact ${percent(exact)}, "${refusal}" ${percent(refused)}`,
  )
}

const results: string[] = []
const nothing = () => ''
const everyTenth = questions.trained.filter((_, index) => index % 10 === 0)
await measure('trained phrasings', questions.trained, nothing)
await measure('after a new system message', everyTenth, () => turn('system', systemMessage))
await measure('late in a full context', everyTenth, longTalk)
await measure('held-out questions', questions.heldout, nothing)
await measure('unseen questions', questions.unseen, nothing)
await measure('outside questions', questions.outside, nothing)
process.stdout.write(`${results.join('\n')}\n`)
await llama.dispose()
