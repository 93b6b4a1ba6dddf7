import type { BatchId } from '../../proto/ids.ts'
import type { BatchLine } from '../../proto/openai/batches.ts'
import { sleep } from '../clock.ts'

/** A fault of ours is tried again this often. */
const TRIES = 4
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

/** Sends one request to this gateway's own routes, in the name of the key that left it. */
export type Send = (
  url: string,
  init: { headers: Record<string, string>; body: string; signal: AbortSignal },
) => Promise<Response>

export interface Carried {
  status: number
  /** The line of the output file, as JSON. */
  result: string
}

/**
 * Carries out one line. A limit or a full queue is waited for; a fault of ours is tried again a few times. Its key makes
 * it one job, whoever carries it out how often. Throws the signal's reason once that aborts.
 */
export async function carryOut(
  send: Send,
  { batch, line, request }: { batch: BatchId; line: number; request: BatchLine },
  signal: AbortSignal,
): Promise<Carried> {
  const headers = {
    'content-type': 'application/json',
    'idempotency-key': `${batch}:${line}`,
  }
  const body = JSON.stringify(request.body)
  for (let tries = 1; ; tries++) {
    const response = await unlessAborted(send(request.url, { headers, body, signal }), signal)
    const text = await unlessAborted(response.text(), signal)
    const waits = response.status === 429 || response.status === 503
    // A limit that is too far away for an SDK to wait for is not too far for a batch.
    const again = waits
      ? response.headers.has('retry-after-ms') || response.headers.get('x-should-retry') !== 'false'
      : isOurs(response) && tries < TRIES
    if (!again) return carried(response, text, { batch, line, request })
    const asked = Number(response.headers.get('retry-after-ms') ?? Number.NaN)
    const pauseMs = Number.isNaN(asked) ? FIRST_PAUSE_MS * 2 ** Math.min(tries, 6) : asked
    await unlessAborted(sleep(Math.min(pauseMs, LONGEST_PAUSE_MS)), signal)
  }
}

/** Nobody waits for what was given up, whether it hears of that or not. */
async function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([awaited, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const isOurs = ({ status }: Response): boolean => status >= 500

function carried(
  response: Response,
  text: string,
  { batch, line, request }: { batch: BatchId; line: number; request: BatchLine },
): Carried {
  const result = {
    id: `${batch}_${line}`,
    custom_id: request.custom_id,
    response: {
      status_code: response.status,
      request_id: response.headers.get('x-request-id'),
      body: JSON.parse(text) as unknown,
    },
    error: null,
  }
  return { status: response.status, result: JSON.stringify(result) }
}
