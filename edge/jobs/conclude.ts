import { Failure } from '../../proto/failure.ts'
import { encodeFrame, type End } from '../../proto/frame.ts'
import type { Desk } from './desk.ts'
import type { LiveJob } from './live-job.ts'
import { settle, type Ending } from './settle.ts'

/** How long a reader waits for the record of its end while the broker is away. */
const PATIENCE_MS = 30_000

/** Its worker came to the end of the answer. */
export async function finish(
  desk: Desk,
  live: LiveJob,
  said: End,
  bytes: Uint8Array,
): Promise<void> {
  // Another worker may have told of the prompt before this one took over.
  live.prompt ??= { promptTokens: said.promptTokens, cachedTokens: said.cachedTokens }
  const end = { finish: said.finish, ...live.prompt }
  const last = isSame(said, live.prompt) ? bytes : endFrame(live, said)
  await conclusion(desk, live, { outcome: 'done', end, last }, () => {
    live.tape.put(last)
    live.tape.close()
  })
}

const isSame = ({ promptTokens, cachedTokens }: End, prompt: LiveJob['prompt']): boolean =>
  promptTokens === prompt?.promptTokens && cachedTokens === prompt.cachedTokens

/** The end of an answer as its reader is told it, with the prompt as it was counted. */
function endFrame(live: LiveJob, end: End): Uint8Array {
  return encodeFrame(live.epoch, live.next, { kind: 'end', ...end, ...live.prompt })
}

/** The money for its next token is not there: it ends at this one, whole as it is. */
export async function exhaust(desk: Desk, live: LiveJob): Promise<void> {
  live.prompt ??= { promptTokens: 0, cachedTokens: 0 }
  const end = { finish: 'length', code: 'budget_exhausted', ...live.prompt } as const
  const last = encodeFrame(live.epoch, live.next, { kind: 'end', ...end })
  desk.counts.exhausted++
  await conclusion(desk, live, { outcome: 'done', end, last }, () => {
    live.tape.put(last)
    live.tape.close()
  })
}

/** Ends a job with a failure that its reader is told. */
export async function fail(desk: Desk, live: LiveJob, failure: Failure): Promise<void> {
  const outcome = failure.code === 'expired' ? 'expired' : 'failed'
  await conclusion(desk, live, { outcome, failure }, () => live.tape.close({ failure }))
}

/** The reader is told an end only when it is in LEDGER; if that takes too long, it is told so, and may go. */
async function conclusion(
  desk: Desk,
  live: LiveJob,
  ending: Ending,
  tell: () => void,
): Promise<void> {
  if (live.outcome) return
  const patience = setTimeout(() => {
    const message = 'The end of the answer could not be recorded in time.'
    live.tape.close({ failure: new Failure('unavailable', message) })
  }, PATIENCE_MS)
  try {
    if ((await settle(desk, live, ending)) === 'settled') tell()
  } catch (thrown) {
    live.tape.close({ failure: Failure.from(thrown) })
  } finally {
    clearTimeout(patience)
  }
}
