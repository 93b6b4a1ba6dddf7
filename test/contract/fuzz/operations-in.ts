import * as fc from 'fast-check'
import { arbitraryOf, nasty, type Schema } from './arbitrary-of.ts'

export interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string; schema: Schema }[]
  body: Schema | undefined
}

export interface Sent {
  method: string
  path: string
  json: unknown
}

interface Described {
  parameters?: Operation['parameters']
  requestBody?: { content: Record<string, { schema: Schema }> }
}

export interface Document {
  paths: Record<string, Record<string, Described>>
  components?: { schemas?: Record<string, Schema> }
}

export const operationsIn = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema,
    })),
  )

/** Requests for one operation: as it is described, with one field that is wrong, and wholly wrong. */
export function requestsFor(
  { method, path, parameters, body }: Operation,
  document: Document,
): fc.Arbitrary<Sent> {
  const resolve = (ref: string): Schema =>
    document.components?.schemas?.[ref.split('/').at(-1) ?? ''] ?? {}
  const queries = parameters.filter(({ in: where }) => where === 'query')
  const described = body ? arbitraryOf(body, resolve) : fc.constant(undefined)
  const json = body
    ? fc.oneof(
        { weight: 4, arbitrary: described.map(meant) },
        { weight: 4, arbitrary: fc.tuple(described.map(meant), fc.nat(), nasty).map(spoilt) },
        { weight: 1, arbitrary: nasty },
      )
    : described
  const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('-1', '1e99', '%00', "'--"))
  const search = fc.dictionary(fc.constantFrom(...queries.map(({ name }) => name), 'x'), word, {
    maxKeys: 3,
  })
  const name = fc.oneof(
    fc.stringMatching(/^[\w.~-]{1,20}$/),
    fc.constantFrom('%2e%2e', '%F0%9F%A6%8A', '%00'),
  )
  return fc
    .record({ json, search, names: fc.array(name, { minLength: 3, maxLength: 3 }) })
    .map((made) => {
      let next = 0
      const filled = path.replaceAll(/\{\w+\}/g, () => made.names[next++] ?? 'x')
      const query = new URLSearchParams(made.search).toString()
      return { method, path: query ? `${filled}?${query}` : filled, json: made.json }
    })
}

/** A model that is there and soon done, so that what is fine is also carried out. */
function meant(body: unknown): unknown {
  return isObject(body) && 'model' in body ? { ...body, model: 'echo-2-0-0' } : body
}

/** One field, chosen by a number, has a value that nobody expects. */
function spoilt([body, at, wrong]: [unknown, number, unknown]): unknown {
  if (!isObject(body)) return wrong
  const keys = Object.keys(body)
  return keys.length === 0 ? wrong : { ...body, [keys[at % keys.length] ?? '']: wrong }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
