import { Failure } from '../../proto/failure.ts'
import type { ChatRequest } from '../../proto/openai/chat.ts'
import { endUserOf } from '../../proto/openai/end-user.ts'
import { TIERS } from '../../proto/openai/service-tier.ts'
import type { Admit, Wanted } from '../admission/admission.ts'
import type { Asker } from '../admission/asker.ts'
import { nthAsker } from '../admission/nth-asker.ts'
import { tierOf } from '../admission/tier-of.ts'
import type { Choice } from '../stream/chat-completion.ts'
import { worksOf } from './chat-work.ts'

/** Every choice of a request is a job of its own, with the next seed. One that is not let in has all the others ended. */
export async function asked(
  request: ChatRequest,
  asker: Asker,
  { admit, hangup }: { admit: Admit; hangup: AbortController },
): Promise<[Choice, ...Choice[]]> {
  const n = request.n ?? 1
  if (n > 1 && request.stream && asker.resumable)
    throw new Failure(
      'invalid',
      'A stream of several choices cannot be resumed: ask for n = 1, or leave x-stream-resume out.',
      { param: 'n' },
    )
  const named = tierOf(request, asker)
  const tier = named && TIERS[named]
  const who = tier ? { ...asker, priority: tier.priority } : asker
  const work = worksOf(request)
  const wanted = (index: number): Wanted => ({
    model: request.model,
    includeUsage: request.stream_options?.include_usage ?? false,
    user: endUserOf(request),
    ...(tier && { reading: { tier: tier.told } }),
    work: (served) => work(served, index),
  })
  const first = await admit(who, wanted(0))
  if (n === 1) return [first]
  try {
    const others = Array.from({ length: n - 1 }, (_, i) =>
      admit(nthAsker(who, i + 1), wanted(i + 1)),
    )
    return [first, ...(await Promise.all(others))]
  } catch (thrown) {
    hangup.abort()
    throw thrown
  }
}
