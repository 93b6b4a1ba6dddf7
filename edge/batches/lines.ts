import { BatchLine, type BatchEndpoint, type BatchError } from '../../proto/openai/batches.ts'

/** A line of an input file, from 1. */
export interface Line {
  line: number
  text: string
}

/** Far more than any request may have. */
const MAX_LINE_CHARS = 4 * 1024 * 1024

/** The lines of a file as its bytes come; empty ones count, and are left out. Throws a `RangeError` at one without end. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const utf8 = new TextDecoder()
  let line = 0
  let rest = ''
  for await (const chunk of bytes) {
    const parts = (rest + utf8.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > MAX_LINE_CHARS) throw new RangeError(`line ${line + 1} has no end`)
    for (const text of parts) {
      line++
      if (text.trim()) yield { line, text }
    }
  }
  rest += utf8.decode()
  if (rest.trim()) yield { line: line + 1, text: rest }
}

export type ReadLine = { request: BatchLine } | { error: BatchError }

/** What a line asks for, or why it cannot be carried out. */
export function readLine({ line, text }: Line, endpoint: BatchEndpoint): ReadLine {
  const wrong = (code: string, message: string, param: string | null = null): ReadLine => ({
    error: { code, message, param, line },
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return wrong('invalid_json_line', 'This line is not valid JSON.')
  }
  const parsed = BatchLine.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const param = issue?.path.join('.') ?? ''
    return wrong('invalid_request', `Invalid '${param}': ${issue?.message ?? ''}`, param || null)
  }
  const { url, body } = parsed.data
  if (url !== endpoint)
    return wrong('invalid_url', `The url must be the batch's endpoint, ${endpoint}.`, 'url')
  for (const field of ['stream', 'background'])
    if (body[field] === true)
      return wrong(
        'invalid_request',
        `A batch waits for its answers: leave "${field}" out.`,
        `body.${field}`,
      )
  return { request: parsed.data }
}
