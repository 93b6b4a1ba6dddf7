import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { IssuerId, KeyId } from '../../proto/ids.ts'
import { IssuerAlgorithm, type Jwks } from '../../proto/issuers.ts'
import { keys } from './keys.ts'

export const issuerAlgorithm = pgEnum('issuer_algorithm', IssuerAlgorithm.enum)

/** Who signs the tokens of an app's end users: each opens what its key opens, for the user it names. */
export const issuers = pgTable(
  'issuers',
  {
    id: text().$type<IssuerId>().primaryKey(),
    key: text('key_id')
      .$type<KeyId>()
      .notNull()
      .references(() => keys.id),
    /** The `iss` and the `aud` of its tokens. */
    issuer: text().notNull(),
    audience: text().notNull(),
    algorithm: issuerAlgorithm().notNull(),
    /** Of HS256, sealed where the gateways have a JUNE_SECRET: whoever reads it can sign. */
    secret: text(),
    /** Of the others: where their public keys are, or the keys themselves. */
    jwksUrl: text(),
    jwks: jsonb().$type<Jwks>(),
    /** What each user of it may ask, besides what the key may. */
    userRequestsPerMinute: integer(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [
    index().on(t.issuer),
    index().on(t.key),
    check(
      'an_issuer_is_believed_by_one_thing',
      sql`num_nonnulls(${t.secret}, ${t.jwksUrl}, ${t.jwks}) = 1 and (${t.algorithm} = 'HS256') = (${t.secret} is not null)`,
    ),
  ],
)
