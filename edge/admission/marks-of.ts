import type { Marks } from '../../proto/calling.ts'
import { Failure } from '../../proto/failure.ts'
import type { ChatJob } from '../../proto/job.ts'
import type { Served } from '../ports.ts'

/** What an answer will be read for, fixed with its job so that every gateway reads it alike. */
export function marksOf(
  {
    calling,
    effort,
    prompt,
    sampling,
  }: Pick<ChatJob, 'calling' | 'effort' | 'prompt'> & {
    sampling: Pick<ChatJob['sampling'], 'format'>
  },
  { id, dialect }: Served,
): Marks | undefined {
  if (calling && !dialect)
    throw new Failure('invalid', `The model "${id}" cannot call functions: leave tools out.`, {
      param: 'tools',
    })
  if (!dialect || prompt !== undefined) return undefined
  const held = calling?.choice === 'required'
  const calls = calling && {
    syntax: dialect.calls,
    names: calling.tools.map(({ name }) => name),
    parallel: calling.parallel,
    held,
  }
  // An answer that is held to something begins with it. Who is told not to think may do it all the same.
  const thinks = dialect.thinking && !held && !sampling.format
  const thinking = thinks && (effort === 'none' ? 'marked' : dialect.thinking)
  if (!calls && !thinking) return undefined
  return { ...(calls && { calls }), ...(thinking && { thinking }) }
}
