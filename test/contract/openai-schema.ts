import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * What keeps a value from being what OpenAI's own description says of it, by the name that the description gives; nothing
 * where it is. `openai-schemas.json` is made by `openai-excerpt.ts`.
 */
export function faultsBy(name: string, value: unknown): string[] {
  const validate = ajv.getSchema(`openai#/components/schemas/${name}`)
  if (!validate) throw new Error(`There is no schema "${name}" in openai-schemas.json.`)
  if (validate(value) === true) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
  )
}

const description = readFileSync(new URL('openai-schemas.json', import.meta.url), 'utf8')
const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
// What ajv has no check for; the numbers of Unix times are integers like others.
ajv.addFormat('unixtime', true)
ajv.addFormat('binary', true)
ajv.addSchema({ $id: 'openai', ...(nullable(JSON.parse(description) as Json) as object) })

/** The description is OpenAPI 3.1, with leftovers of 3.0: there `nullable` stands for what is a type now. */
export function nullable(value: Json): Json {
  if (Array.isArray(value)) return value.map(nullable)
  if (typeof value !== 'object' || value === null) return value
  const { nullable: isNullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, its]) => [key, nullable(its)]),
  )
  if (isNullable !== true)
    return typeof isNullable === 'object' ? { ...rest, nullable: isNullable } : rest
  return { anyOf: [rest, { type: 'null' }] }
}
