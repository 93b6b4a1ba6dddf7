import { assert, array, asyncProperty, constantFrom, nat } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linesOf, type Line } from './lines.ts'
import { validate } from './validate.ts'

const utf8 = new TextEncoder()

async function* cut(text: string, ...places: number[]): AsyncGenerator<Uint8Array> {
  const bytes = utf8.encode(text)
  let from = 0
  for (const at of [...places].toSorted((a, b) => a - b)) {
    const to = Math.min(at, bytes.byteLength)
    yield bytes.subarray(from, to)
    from = to
  }
  yield bytes.subarray(from)
}

async function all(lines: AsyncIterable<Line>): Promise<Line[]> {
  const found: Line[] = []
  for await (const line of lines) found.push(line)
  return found
}

describe('the lines of a file', () => {
  test('are the same wherever its bytes are cut', async () => {
    const part = constantFrom('a', 'é', '🦊', '\n', '\n\n', ' ')
    await assert(
      asyncProperty(
        array(part, { maxLength: 20 }),
        array(nat(60), { maxLength: 4 }),
        async (parts, places) => {
          const text = parts.join('')
          const wanted = text
            .split('\n')
            .map((each, i) => ({ line: i + 1, text: each }))
            .filter((line) => line.text.trim() !== '')
          expect(await all(linesOf(cut(text, ...places)))).toEqual(wanted)
        },
      ),
    )
  })

  test('are not awaited for ever: one that does not end is an error', async () => {
    const endless = 'x'.repeat(5 * 1024 * 1024)
    expect(
      await validate(cut(endless, 1_000_000, 4_500_000), '/v1/chat/completions'),
    ).toMatchObject({
      errors: [{ code: 'invalid_file', param: 'input_file_id' }],
    })
  })

  test('are refused where there are none', async () => {
    expect(await validate(cut('\n \n'), '/v1/chat/completions')).toMatchObject({
      errors: [{ message: 'The file has no requests.' }],
    })
  })
})
