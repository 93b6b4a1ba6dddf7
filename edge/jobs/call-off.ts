import type { JobId } from '../../proto/ids.ts'
import type { Account, Final } from '../../proto/ledger.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { accountOf, WRITE_TIMEOUT_MS } from './ledger.ts'

/**
 * Ends a job of which LEDGER knows nothing: whoever stood still and would begin or end it now is refused. Whether it did; if not,
 * somebody wrote since.
 */
export async function callOff(desk: Desk, id: JobId, account: Account): Promise<boolean> {
  const final: Final = {
    type: 'final',
    gateway: desk.gateway,
    spans: [],
    outcome: 'cancelled',
    finish: null,
    usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0 },
    ...accountOf(account),
    failure: null,
  }
  const options = { expectLast: 0, timeoutMs: WRITE_TIMEOUT_MS }
  return (await desk.store.put(subjects.ledger(id), JSON.stringify(final), options)) !== 'lost'
}
