import type { Queued } from '../ports.ts'

/** What a caller is told whose request has to wait. */
export function tellQueued(headers: Record<string, string>, { position, etaMs }: Queued): void {
  headers['x-queue-position'] = String(position)
  if (etaMs !== undefined) headers['x-queue-eta-ms'] = String(etaMs)
}
