import type { BatchId } from '../../proto/ids.ts'
import type { BatchLine } from '../../proto/openai/batches.ts'
import type { BatchWork } from './batch-work.ts'

const PAGE = 200

const utf8 = new TextEncoder()

/** The results of one kind as a file, in the order of the input. */
export async function* resultsOf(
  work: Pick<BatchWork, 'results'>,
  batch: BatchId,
  isWanted: (status: number) => boolean,
): AsyncGenerator<Uint8Array> {
  for (let after = 0; ;) {
    const page = await work.results(batch, { after, limit: PAGE })
    const wanted = page.filter(({ status }) => isWanted(status))
    if (wanted.length > 0) yield utf8.encode(wanted.map(({ result }) => `${result}\n`).join(''))
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.line
  }
}

export const isFine = (status: number): boolean => status >= 200 && status < 300

/** No status of HTTP: what was never sent. */
export const NEVER_SENT = 0

/** What becomes of a request that the batch had no time for. */
export const expired = (batch: BatchId, line: number, request: BatchLine): string =>
  JSON.stringify({
    id: `${batch}_${line}`,
    custom_id: request.custom_id,
    response: null,
    error: {
      code: 'batch_expired',
      message: 'This request could not be carried out before the batch expired.',
    },
  })
