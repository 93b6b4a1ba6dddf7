/** What a job desk has seen, as plain numbers: the metrics page reads them, the hot path only adds one. */
export const newCounts = () => ({
  admitted: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
  expired: 0,
  frames: 0,
  tokens: 0,
  claims: 0,
  granted: 0,
  held: 0,
  stale: 0,
  repeats: 0,
  junk: 0,
  releasedByDisconnect: 0,
  releasedBySilence: 0,
  releasedByHole: 0,
  releasedByEngine: 0,
  releasedByOverrun: 0,
  poisoned: 0,
  reoffered: 0,
  deposed: 0,
  strangers: 0,
  adopted: 0,
  consumersRecreated: 0,
})

export type Counts = ReturnType<typeof newCounts>
