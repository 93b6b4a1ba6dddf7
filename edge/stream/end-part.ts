import type { End } from '../../proto/frame.ts'
import type { EndPart } from './parts.ts'

interface Counted {
  completionTokens: number
  reasoningTokens?: number
  called?: boolean
}

/** The end as a part. `completionTokens` are all that the answer has. */
export function endOf(
  { finish, stop, code, promptTokens, cachedTokens }: End,
  { completionTokens, reasoningTokens = 0, called = false }: Counted,
): EndPart {
  return {
    after: completionTokens + 1,
    kind: 'end',
    finish: called && finish === 'stop' ? 'tool_calls' : finish,
    code: code ?? null,
    ...(stop !== undefined && { stop }),
    usage: { promptTokens, cachedTokens, completionTokens, reasoningTokens },
  }
}
