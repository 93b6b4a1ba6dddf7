import type { Completion } from '../../proto/openai/completions.ts'
import { partsOf } from '../stream/parts.ts'
import type { Choice } from './choices.ts'
import { UsageSum, type CompletionHead } from './completion-head.ts'
import { addLogprobs, legacyLogprobs } from './legacy-logprobs.ts'

/** The whole completion at once, for a caller that does not stream. Throws the `Failure` of any of its jobs. */
export async function wholeCompletion(
  choices: readonly Choice[],
  head: CompletionHead,
): Promise<Completion> {
  const sum = new UsageSum()
  const whole = await Promise.all(choices.map((choice) => wholeChoice(choice, sum)))
  return { ...head, choices: whole, usage: sum.usage }
}

async function wholeChoice(
  { index, echo, counts, answer, head }: Choice,
  sum: UsageSum,
): Promise<Completion['choices'][number]> {
  const choice: Completion['choices'][number] = {
    index,
    text: echo,
    logprobs: null,
    finish_reason: 'stop',
  }
  for await (const parts of partsOf(answer, head))
    for (const part of parts) {
      if (part.kind === 'text') {
        const { text, logprobs } = part
        const offset = choice.text.length
        choice.logprobs = addLogprobs(choice.logprobs, legacyLogprobs(logprobs, { text, offset }))
        choice.text += text
      }
      if (part.kind !== 'end') continue
      choice.finish_reason = part.finish === 'length' ? 'length' : 'stop'
      sum.add(part.usage, counts)
    }
  return choice
}
