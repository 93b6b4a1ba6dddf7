import type { Log } from '../ports.ts'
import { within } from '../within.ts'

/** A broker that is away does not keep whoever made a key from its secret. */
const TELL_MS = 1_000

interface Announcement {
  /** Here, at once. */
  forget?: () => void
  /** All other gateways. */
  tell: () => Promise<void>
  log: Log
}

/** What follows a change of a key, a price or a budget. It has been made by then, so nothing here may fail: others hear of it late at worst. */
export const announce =
  ({ forget, tell, log }: Announcement) =>
  async (): Promise<void> => {
    forget?.()
    try {
      await within(TELL_MS, tell())
    } catch (cause) {
      log.error({ cause }, 'other gateways were not told of a change: they find out later')
    }
  }
