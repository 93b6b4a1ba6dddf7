import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import { UNLIMITED } from '../../proto/limits.ts'
import type { KeyScope } from '../../proto/admin.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { Key } from '../ports.ts'

/** A row of the database as requests need it. */
export const keyOf = ({
  id,
  scope,
  requestsPerMinute,
}: {
  id: KeyId
  scope: KeyScope
  requestsPerMinute: number
}): Key => ({
  id,
  organisation: DEFAULT_ORGANISATION,
  project: DEFAULT_PROJECT,
  scope,
  limits: { key: { ...UNLIMITED, requestsPerMinute }, project: UNLIMITED, models: {} },
})
