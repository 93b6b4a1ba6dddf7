import { MAX_BATCH_LINES, type BatchEndpoint, type BatchError } from '../../proto/openai/batches.ts'
import { linesOf, readLine } from './lines.ts'

/** A file with more faults than this has them all for one reason. */
const MAX_ERRORS = 50

/** Whether every line of an input file can be carried out: how many there are, or what is wrong with the first ones. */
export async function validate(
  bytes: AsyncIterable<Uint8Array>,
  endpoint: BatchEndpoint,
): Promise<{ total: number } | { errors: BatchError[] }> {
  const errors: BatchError[] = []
  const known = new Set<string>()
  let total = 0
  try {
    for await (const line of linesOf(bytes)) {
      total++
      const read = readLine(line, endpoint)
      if ('error' in read) errors.push(read.error)
      else if (known.has(read.request.custom_id))
        errors.push(twice(read.request.custom_id, line.line))
      else known.add(read.request.custom_id)
      if (total > MAX_BATCH_LINES)
        errors.push(ofFile(`A batch may have ${MAX_BATCH_LINES} requests.`))
      if (errors.length >= MAX_ERRORS || total > MAX_BATCH_LINES) break
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    errors.push(ofFile('A line of the file is too long to be a request.'))
  }
  if (total === 0 && errors.length === 0) errors.push(ofFile('The file has no requests.'))
  return errors.length > 0 ? { errors } : { total }
}

const ofFile = (message: string): BatchError => ({
  code: 'invalid_file',
  message,
  param: 'input_file_id',
  line: null,
})

const twice = (id: string, line: number): BatchError => ({
  code: 'duplicate_custom_id',
  message: `The custom_id '${id.slice(0, 100).toWellFormed()}' is there twice.`,
  param: 'custom_id',
  line,
})
