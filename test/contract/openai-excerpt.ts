import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'

/** What answers and requests are held against, and all that these refer to. */
const ROOTS = [
  'CreateChatCompletionRequest',
  'CreateChatCompletionResponse',
  'CreateChatCompletionStreamResponse',
  'CreateCompletionRequest',
  'CreateCompletionResponse',
  'CreateResponse',
  'Response',
  'ResponseStreamEvent',
  'ResponseItemList',
  'CreateEmbeddingRequest',
  'CreateEmbeddingResponse',
  'CreateModerationRequest',
  'CreateModerationResponse',
  'Model',
  'ListModelsResponse',
  'OpenAIFile',
  'ListFilesResponse',
  'DeleteFileResponse',
  'Batch',
  'ListBatchesResponse',
  'ErrorResponse',
]

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
const REF = '#/components/schemas/'

/** Words for people, and what is for generators of code: nothing that a validator asks. */
const isSaid = (key: string, value: Json): boolean =>
  (key === 'description' || key === 'title') && typeof value === 'string'
const LEFT_OUT = new Set(['example', 'examples', 'default', 'deprecated', 'discriminator'])

function bare(value: Json): Json {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .filter(([key, its]) => !isSaid(key, its) && !LEFT_OUT.has(key) && !key.startsWith('x-'))
    .map(([key, its]) => [key, key === 'properties' ? properties(its) : bare(its)] as const)
  return Object.fromEntries(kept)
}

/** Here any key is the name of a field. */
const properties = (value: Json): Json =>
  Object.fromEntries(Object.entries(value as object).map(([name, its]) => [name, bare(its)]))

/** node test/contract/openai-excerpt.ts <openai.yaml>: makes `openai-schemas.json` of OpenAI's own description. */
const [source] = process.argv.slice(2)
if (source === undefined) throw new Error('Name the file of the description, openai.yaml.')
const described = parse(await readFile(source, 'utf8')) as {
  components: { schemas: Record<string, Json> }
}
const schemas: Record<string, Json> = {}
const wanted = [...ROOTS]
for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
  if (name in schemas) continue
  const found = described.components.schemas[name]
  if (found === undefined) throw new Error(`The description has no schema "${name}".`)
  const schema = bare(found)
  schemas[name] = schema
  for (const [, to = ''] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"/]+)"/g))
    wanted.push(to)
}
const sorted = Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1)))
const file = new URL('openai-schemas.json', import.meta.url)
await writeFile(file, `${JSON.stringify({ components: { schemas: sorted } })}\n`)
process.stdout.write(`${Object.keys(sorted).length} schemas, ${REF}…\n`)
