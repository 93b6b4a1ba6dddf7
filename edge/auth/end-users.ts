import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
  type JWTHeaderParameters,
} from 'jose'
import { Failure } from '../../proto/failure.ts'
import type { Jwks, IssuerAlgorithm } from '../../proto/issuers.ts'
import { MAX_USER_CHARS } from '../../proto/job.ts'
import type { Key, Log, Vault } from '../ports.ts'
import { narrowed } from './narrowed.ts'
import type { PublishedKeys } from './published-keys.ts'
import { Remembered } from './remembered.ts'

/** One that signs tokens, and the key that they open. */
export interface Issuer {
  key: Key
  issuer: string
  audience: string
  algorithm: IssuerAlgorithm
  secret: string | null
  jwksUrl: string | null
  jwks: Jwks | null
  userRequestsPerMinute: number | null
}

export interface IssuerStore {
  /** All that take tokens of this issuer for this audience, the oldest first; nothing where there is none. */
  byIssuer(issuer: string, audience: string): Promise<readonly Issuer[] | undefined>
}

interface Parts {
  store: IssuerStore
  published: PublishedKeys
  vault: Vault
  ttlMs: number
  log: Log
}

/** Clocks differ, by less than this. */
const LEEWAY_SECONDS = 5
const MAX_CLAIM = 500
/** Each is looked up, and strangers may name any number of them. */
const MAX_AUDIENCES = 5
const CONTROL = /[\p{Cc}\p{Cs}]/u

/** The end users of apps, who show a token that the app's own issuer signed. */
export class EndUsers {
  readonly #parts: Parts
  readonly #issuers: Remembered<readonly Issuer[]>

  constructor(parts: Parts) {
    this.#parts = parts
    const { store, ttlMs, log } = parts
    this.#issuers = new Remembered((name) => store.byIssuer(...pairIn(name)), { ttlMs, log })
  }

  /** The key that the token opens, for its user and until it ends. Throws `unauthenticated` where it opens none. */
  async find(token: string): Promise<Key> {
    const { issuer, audiences, algorithm } = namedIn(token)
    const known = issuer === undefined ? [] : await this.#known(issuer, audiences)
    // What a token says of its algorithm chooses among issuers, and never how one of them is checked.
    const willing = known.filter((one) => one.algorithm === algorithm)
    if (willing.length === 0)
      throw refused('its issuer is not known here for its audience, or signs in another way')
    let last: unknown
    let failure: Failure | undefined
    for (const one of willing) {
      try {
        return await this.#opened(token, one)
      } catch (thrown) {
        if (!(thrown instanceof Failure)) last = thrown
        // Its signature is good, and its user is none.
        else if (thrown.code === 'unauthenticated') throw thrown
        else failure ??= this.#passedOver(one, thrown)
      }
    }
    throw failure ?? refused(reasonOf(last), last)
  }

  /** One that cannot be asked keeps nobody from the next, which may be another customer's. */
  #passedOver({ key }: Issuer, cause: Failure): Failure {
    this.#parts.log.warn({ cause, key: key.id }, 'an issuer could not check a token')
    return cause
  }

  async #known(issuer: string, audiences: readonly string[]): Promise<readonly Issuer[]> {
    const each = audiences.map((audience) => this.#issuers.find(nameOf(issuer, audience)))
    return (await Promise.all(each)).flatMap((some) => some ?? [])
  }

  /** An issuer or its key changed somewhere. */
  forget(): void {
    this.#issuers.forget()
  }

  async #opened(token: string, one: Issuer): Promise<Key> {
    const { payload } = await jwtVerify(token, (header) => this.#keyOf(one, header), {
      algorithms: [one.algorithm],
      issuer: one.issuer,
      audience: one.audience,
      clockTolerance: LEEWAY_SECONDS,
      requiredClaims: ['exp', 'sub'],
    })
    const { sub, exp } = payload
    if (!sub || sub.length > MAX_USER_CHARS || CONTROL.test(sub) || exp === undefined)
      throw refused(`its "sub" is not a name of 1 to ${MAX_USER_CHARS} characters`)
    const { key } = one
    const expiresAtMs = Math.min((exp + LEEWAY_SECONDS) * 1000, key.expiresAtMs ?? Infinity)
    return {
      ...narrowed(key, { routes: null, models: null, cidrs: null, user: sub }),
      expiresAtMs,
      user: { id: sub, requestsPerMinute: one.userRequestsPerMinute },
    }
  }

  async #keyOf({ secret, jwks, jwksUrl }: Issuer, header: JWTHeaderParameters) {
    if (secret !== null) return new TextEncoder().encode(await this.#parts.vault.open(secret))
    if (jwks !== null) return findIn(jwks)(header)
    if (jwksUrl !== null) return this.#parts.published.find(jwksUrl, header)
    throw new Error('an issuer has nothing to check its tokens with')
  }
}

const finds = new WeakMap<Jwks, ReturnType<typeof createLocalJWKSet>>()

/** Keys are imported once, for as long as their issuer is remembered. */
function findIn(jwks: Jwks) {
  const known = finds.get(jwks) ?? createLocalJWKSet(jwks)
  finds.set(jwks, known)
  return known
}

/** Three parts of base64url. */
export const isJwt = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

/** As issuers are remembered: what is between the two is in neither. */
const nameOf = (issuer: string, audience: string): string => `${issuer}\n${audience}`

function pairIn(name: string): [issuer: string, audience: string] {
  const [issuer = '', audience = ''] = name.split('\n')
  return [issuer, audience]
}

interface Named {
  issuer: string | undefined
  audiences: readonly string[]
  algorithm: string | undefined
}

/** What a token says of itself, before anybody believes it. */
function namedIn(token: string): Named {
  try {
    const { iss, aud } = decodeJwt(token)
    const audiences = new Set([aud].flat().filter(isClaim))
    return {
      issuer: isClaim(iss) ? iss : undefined,
      audiences: [...audiences].slice(0, MAX_AUDIENCES),
      algorithm: decodeProtectedHeader(token).alg,
    }
  } catch (cause) {
    throw refused('it is no JSON Web Token', cause)
  }
}

const isClaim = (claim: unknown): claim is string =>
  typeof claim === 'string' && claim.length <= MAX_CLAIM && !CONTROL.test(claim)

const reasons: Record<string, string> = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'a claim of it is missing or wrong: see iss, aud, sub, exp, nbf',
  ERR_JWKS_NO_MATCHING_KEY: 'its issuer has no key of that "kid"',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'its issuer has several keys, and it names none with "kid"',
}

const reasonOf = (thrown: unknown): string =>
  (thrown instanceof Error && 'code' in thrown ? reasons[String(thrown.code)] : undefined) ??
  'its signature is not that of its issuer'

const refused = (why: string, cause?: unknown): Failure =>
  new Failure('unauthenticated', `This token opens nothing: ${why}. Ask the app for another.`, {
    cause,
  })
