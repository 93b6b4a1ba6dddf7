import { test } from 'vitest'
import { newJobId, newNonce, WorkerId } from '../../proto/ids.ts'
import { Claims } from './claims.ts'
import { Counts } from './counts.ts'
import type { Link } from './link.ts'
import type { Offer } from './read-offer.ts'
import { Runs } from './runs.ts'
import { grantOf } from './testing/hand-gateway.ts'

// Too narrow a moment for a real server: the connection ends after the answer came, and before it is read.
test('a grant is worth nothing once the connection it was asked on is gone', async ({ expect }) => {
  const life = new AbortController()
  const data = new TextEncoder().encode(JSON.stringify(grantOf()))
  const request = (): Promise<unknown> => {
    life.abort()
    return Promise.resolve({ data, headers: undefined })
  }
  const link = { life: life.signal, connection: 1, nc: { request } } as unknown as Link
  const runs = new Runs()
  const { signal: stop } = new AbortController()
  const asker = { link, worker: WorkerId.parse('w1'), nonce: newNonce(), stop }
  const offer = { job: { id: newJobId(), gateway: 'g1' }, ack: '$JS.ACK.x' } as unknown as Offer
  expect(await new Claims(asker, runs, new Counts()).take(offer)).toBe(undefined)
  expect(runs.size).toBe(0)
})
