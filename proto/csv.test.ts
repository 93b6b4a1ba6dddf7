import { describe, expect, test } from 'vitest'
import { csvLine } from './csv.ts'

describe('a line of CSV', () => {
  test('has its cells apart, whatever is in them', () => {
    expect(csvLine(['a', 'b,c', 'say "hi"', 'two\nlines', null, 3, false])).toBe(
      'a,"b,c","say ""hi""","two\nlines",,3,false\r\n',
    )
  })

  test.for(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
    'is no formula, though a stranger says %j',
    (said) => {
      expect(csvLine([said])).toBe(`"'${said}"\r\n`)
    },
  )

  test('leaves numbers as they are', () => {
    expect(csvLine([-1, 0.5])).toBe('-1,0.5\r\n')
  })
})
