import type { IssuerAlgorithm, Jwks } from '../../proto/issuers.ts'
import type { Issuer } from './end-users.ts'
import { openedKey, type OpenedKey } from './key-of.ts'

/** A row of the database, with the key that tokens of the issuer open. */
type Row = OpenedKey & {
  token: Omit<Issuer, 'key'> & { algorithm: IssuerAlgorithm; jwks: Jwks | null }
}

/** Issuers as they are asked; nothing where there is none. */
export const issuersOf = (rows: readonly Row[]): readonly Issuer[] | undefined =>
  rows.length === 0 ? undefined : rows.map((row) => ({ ...row.token, key: openedKey(row) }))
