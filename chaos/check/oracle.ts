import { echoToken, parseEcho } from '../../proto/echo.ts'
import type { Ask } from '../plan/streams.ts'
import type { Story } from './story.ts'

/** What an undisturbed model says to a request. */
export interface Expected {
  text: string
  tokens: number
  /** The text of the first n tokens, where that is known. */
  prefix: (n: number) => string | undefined
}

/** Echo answers are computed here; the built-in model's were heard before the faults. Nothing where neither is so. */
export function expectedOf(story: Story, ask: Ask): Expected | undefined {
  const echo = parseEcho(ask.model)
  if (echo?.kind === 'chat') {
    const texts = Array.from({ length: echo.tokens }, (_, i) => echoToken(ask.seed, i).text)
    return {
      text: texts.join(''),
      tokens: echo.tokens,
      prefix: (n) => texts.slice(0, n).join(''),
    }
  }
  const heard = story.oracles.filter((oracle) => isSame(oracle.ask, ask))
  const [first] = heard
  if (!first || heard.some(({ text }) => text !== first.text)) return undefined
  return { text: first.text, tokens: first.tokens, prefix: () => undefined }
}

const isSame = (a: Ask, b: Ask): boolean =>
  a.model === b.model &&
  a.prompt === b.prompt &&
  a.seed === b.seed &&
  a.temperature === b.temperature
