import type { SharedBucket } from '../../proto/shared-bucket.ts'
import type { Bucket } from '../ports.ts'
import { levelAt, msPerUnit } from './gcra.ts'

/** Longer than a gateway is ever silent by itself, and short enough for what a dead one held to come back. */
export const LEASE_MS = 5_000

/** What a gateway did with its lease since its last report, and what it wants to have from now on. */
export interface Report {
  gateway: string
  seq: number
  /** Units of the lease that were used up. */
  spent: number
  /** Used beyond it; less than nothing where what was reported as used is put back. */
  owed: number
  /** Units of the lease that are left. */
  have: number
  /** Streams that run. They are part of the lease and are never spent. */
  inUse: number
  /** How many it wants to have, and with how few it can do anything at all: it is not given less. */
  most: number
  least: number
}

/**
 * The whole rule of sharing, as one step of one bucket. What is in the bucket and what is leased are never more than the
 * limit together: while units are out, no others fill in for them. So however many gateways lease and give back, what
 * they spend in any time is bounded as if one bucket had been asked each time. A lease that was not renewed counts as spent.
 */
export function step(
  shared: SharedBucket | undefined,
  { meter, limit }: Pick<Bucket, 'meter' | 'limit'>,
  report: Report,
  clockMs: number,
): SharedBucket {
  const nowMs = Math.max(clockMs, shared?.atMs ?? clockMs)
  const { [report.gateway]: mine, ...others } = aliveAt(shared, nowMs)
  const elsewhere = unitsOf(others)
  const { units, tatMs } =
    meter === 'streams'
      ? { units: streams(report, limit - elsewhere, mine !== undefined), tatMs: nowMs }
      : rated(report, {
          limit,
          elsewhere,
          nowMs,
          mine: mine?.units,
          tatMs: heldBack(shared, limit, nowMs),
        })
  const lease = { units, untilMs: nowMs + LEASE_MS, seq: report.seq }
  return { tatMs, atMs: nowMs, leases: { ...others, [report.gateway]: lease } }
}

/** What nobody has leased: less than nothing where more was used than there was. */
export function freeIn(
  shared: SharedBucket,
  { meter, limit }: Pick<Bucket, 'meter' | 'limit'>,
): number {
  if (meter === 'streams') return limit - unitsOf(shared.leases)
  return levelAt(shared.tatMs, limit, shared.atMs)
}

type Leases = SharedBucket['leases']

const aliveAt = (shared: SharedBucket | undefined, nowMs: number): Leases =>
  Object.fromEntries(
    Object.entries(shared?.leases ?? {}).filter(([, { untilMs }]) => untilMs > nowMs),
  )

const unitsOf = (leases: Leases): number =>
  Object.values(leases).reduce((sum, { units }) => sum + units, 0)

/** Nothing filled in for what was out, up to the time at which it came back, was spent or its lease ended. */
function heldBack(shared: SharedBucket | undefined, limit: number, nowMs: number): number {
  if (!shared) return nowMs
  const leases = Object.values(shared.leases)
  return leases.reduce((tatMs, { untilMs }) => {
    const atMs = Math.min(untilMs, nowMs)
    const out = leases.filter((other) => other.untilMs >= atMs)
    const units = out.reduce((sum, lease) => sum + lease.units, 0)
    return Math.max(tatMs, atMs + units * msPerUnit(limit))
  }, shared.tatMs)
}

function rated(
  { spent, owed, have, most, least }: Report,
  from: {
    limit: number
    elsewhere: number
    nowMs: number
    mine: number | undefined
    tatMs: number
  },
): { units: number; tatMs: number } {
  const { limit, elsewhere, nowMs, mine } = from
  const each = msPerUnit(limit)
  // What is left of a lease that ended was counted as spent: it comes back, and is leased anew or not.
  const held = mine === undefined ? 0 : Math.max(0, Math.min(mine - spent, have))
  const back = mine === undefined ? have : mine - spent - held
  const out = (elsewhere + held) * each
  const tatMs = Math.max(from.tatMs + (owed - back) * each, nowMs + out)
  const free = Math.floor(levelAt(tatMs, limit, nowMs) + WHOLE)
  const units = granted(held, free, { most, least })
  return { units, tatMs: tatMs + (units - held) * each }
}

/** Streams run on whatever becomes of the lease that they began under. */
function streams({ inUse, have, most, least }: Report, room: number, alive: boolean): number {
  const held = alive ? Math.max(0, Math.min(have, room - inUse)) : 0
  return inUse + granted(held, Math.floor(room - inUse - held), { most, least })
}

function granted(
  held: number,
  free: number,
  { most, least }: Pick<Report, 'most' | 'least'>,
): number {
  if (most <= held) return most
  const more = Math.min(most - held, Math.max(0, free))
  return held + more >= least ? held + more : held
}

/** Times are sums of fractions: what lacks this much of a whole unit is one. */
const WHOLE = 1e-3
