import type { PGlite } from '@electric-sql/pglite'

/** Sync and simple query: after either, the session waits for nobody in particular. */
const ENDS = new Set(['S', 'Q'].map((letter) => letter.charCodeAt(0)))
/** Parse, Bind, Describe, Execute, Close, Flush. */
const GOES_ON = new Set(Array.from('PBDECH', (letter) => letter.charCodeAt(0)))

/**
 * The server lets the messages of all connections into the one session as they come, and keeps to one connection only
 * within a transaction: the `Bind` of one query then meets the `Parse` of another's. So a query that is not yet at its
 * `Sync` is made to look like a transaction, and nobody else is served until it is.
 */
export function oneAtATime(db: PGlite): PGlite {
  let within = false
  const isInTransaction: PGlite['isInTransaction'] = () => within || db.isInTransaction()
  const execProtocolRawStream: PGlite['execProtocolRawStream'] = (message, options) => {
    const kind = message[0] ?? 0
    if (ENDS.has(kind)) within = false
    else if (GOES_ON.has(kind)) within = true
    return db.execProtocolRawStream(message, options)
  }
  // A connection that died within a query is rolled back, and then it is over.
  const exec: PGlite['exec'] = (...args) => {
    within = false
    return db.exec(...args)
  }
  const ours: Partial<PGlite> = { isInTransaction, execProtocolRawStream, exec }
  return new Proxy(db, {
    get(target, name) {
      if (name in ours) return ours[name as keyof PGlite]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
