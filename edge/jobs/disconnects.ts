import type { Beat } from '../../proto/beat.ts'
import { WorkerId } from '../../proto/ids.ts'
import type { Roster } from '../catalogue/roster.ts'
import { ConnectionEnded } from './connection-ended.ts'
import type { Desk } from './desk.ts'
import { release } from './release.ts'

/** The server says that a worker's connection ended, 3 ms after a `kill -9`. Known by user and number, never by name. */
export function onDisconnect(desk: Desk, event: unknown, roster: Roster): void {
  const parsed = ConnectionEnded.safeParse(event)
  const worker = WorkerId.safeParse(parsed.data?.client.user)
  if (!parsed.success || !worker.success) return
  const { id } = parsed.data.client
  const user = worker.data
  roster.left(user, id)
  for (const live of desk.live.values()) {
    if (live.holder?.worker === user && live.holder.connection === id)
      release(desk, live, 'disconnect')
    // Its claim is on the way to LEDGER: it is taken back as soon as it is there.
    if (live.claimant?.worker === user && live.claimant.connection === id) live.claimant.gone = true
  }
}

/** A worker that beats did not die; and what it ran on another connection, or as another process, is over. */
export function onReturn(desk: Desk, worker: WorkerId, { nonce, connection }: Beat): void {
  for (const live of desk.live.values()) {
    live.deaths.delete(nonce)
    const { holder } = live
    if (holder?.worker !== worker) continue
    if (holder.nonce !== nonce) release(desk, live, 'disconnect')
    else if (holder.connection !== connection) release(desk, live, 'reconnect')
  }
}
