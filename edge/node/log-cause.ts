import { stdSerializers } from 'pino'

/** What a log keeps of a cause. A failed query carries its text and parameters, hashes of keys among them: not those. */
export function logCause(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown
  if (thrown.message.startsWith('Failed query')) return logCause(thrown.cause)
  return stdSerializers.err(thrown)
}
