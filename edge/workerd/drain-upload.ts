import { MAX_JOB_BYTES } from '../../proto/job.ts'

/** Whoever sends more than this after a refusal may as well see a broken connection. */
const MOST_BYTES = 16 * MAX_JOB_BYTES

/**
 * Reads what a refused request is still sending. workerd closes the connection over an upload that nobody reads, and
 * a client that is still writing would see that in place of its answer.
 */
export async function drainUpload({ body }: Request): Promise<void> {
  if (!body || body.locked) return
  const reader = body.getReader()
  try {
    for (let bytes = 0; bytes < MOST_BYTES;) {
      const { done, value } = await reader.read()
      if (done) return
      bytes += (value as Uint8Array).byteLength
    }
  } catch {
    // It left: there is nobody to answer.
  }
}
