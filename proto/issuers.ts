import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { IssuerId, KeyId } from './ids.ts'
import { Limits } from './limits.ts'
import { pageOf, Paging } from './paging.ts'

/** One each: a token says which it is signed with, and is not believed. */
export const IssuerAlgorithm = z.enum(['HS256', 'RS256', 'ES256'])
export type IssuerAlgorithm = z.infer<typeof IssuerAlgorithm>

const MAX_KEYS = 100

/** RFC 7517: a set of public keys. What is in them is checked by whoever imports them. */
export const Jwks = z.object({
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .min(1)
    .max(MAX_KEYS),
})
export type Jwks = z.infer<typeof Jwks>

/** A claim as it stands in a token. */
const claim = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'It has no control characters.')

/** Whether somebody gave more than a public key: what signs must not lie here. */
const isPrivate = ({ keys }: Jwks): boolean => keys.some((key) => 'd' in key || 'k' in key)

/** RFC 7518, 3.2: as long as the hash. */
const MIN_SECRET = 32

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export const isLoopback = (url: string): boolean => LOOPBACK.has(new URL(url).hostname)

/** RFC 4291, 2.4: all that is routed of IPv6. */
const GLOBAL = ipaddr.parseCIDR('2000::/3')

/** Whether it is a name, or an address of the public network. A URL has its addresses in one form, whatever was written. */
function isPublic(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  if (!ipaddr.isValid(host)) return true
  const address = ipaddr.parse(host)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(GLOBAL)
}

const JwksUrl = z
  .url({ protocol: /^https?$/ })
  .max(1_000)
  .refine((url) => !URL.canParse(url) || new URL(url).protocol === 'https:' || isLoopback(url), {
    message: 'It begins with https://. On this machine itself, http:// will do.',
  })
  .refine((url) => !URL.canParse(url) || isLoopback(url) || isPublic(url), {
    message: 'It is an address of a private network: name a host, or an address that is public.',
  })

const userRequestsPerMinute = Limits.shape.requestsPerMinute

export const IssuerView = z.object({
  id: IssuerId,
  /** What its tokens open, within what this key may, and what ends with it. */
  key: KeyId,
  issuer: z.string(),
  audience: z.string(),
  algorithm: IssuerAlgorithm,
  jwksUrl: z.string().nullable(),
  jwks: Jwks.nullable(),
  userRequestsPerMinute,
  createdAt: z.iso.datetime(),
})
export type IssuerView = z.infer<typeof IssuerView>

export const NewIssuer = z
  .object({
    key: KeyId,
    issuer: claim,
    audience: claim,
    algorithm: IssuerAlgorithm,
    secret: z.string().min(MIN_SECRET).max(1_000).optional(),
    jwksUrl: JwksUrl.optional(),
    jwks: Jwks.optional(),
    userRequestsPerMinute: userRequestsPerMinute.default(null),
  })
  .superRefine(({ algorithm, secret, jwksUrl, jwks }, context) => {
    const told = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (algorithm === 'HS256') {
      if (secret === undefined) told('secret', 'HS256 needs the secret that signs.')
      if (jwksUrl !== undefined) told('jwksUrl', 'HS256 has a secret and no public keys.')
      if (jwks !== undefined) told('jwks', 'HS256 has a secret and no public keys.')
      return
    }
    if (jwks && isPrivate(jwks)) told('jwks', 'It holds a private key: give the public ones.')
    if (secret !== undefined) told('secret', `${algorithm} has public keys and no secret.`)
    if ((jwksUrl === undefined) === (jwks === undefined))
      told('jwks', `${algorithm} needs either jwksUrl or jwks.`)
  })
export type NewIssuer = z.infer<typeof NewIssuer>

export const IssuerPage = pageOf(IssuerView)

export const IssuerQuery = Paging.extend({ key: KeyId.optional() })
export type IssuerQuery = z.infer<typeof IssuerQuery>
