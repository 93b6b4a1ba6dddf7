import { array, assert, constantFrom, integer, oneof, property, uniqueArray } from 'fast-check'
import { describe, test } from 'vitest'
import { Answer, type AnswerRules } from './answer.ts'

const utf8 = new TextEncoder()
const END = 999

/** Token i is byte i; 256 and up are whole words. */
const words = ['Hello', ' wor', 'ld', ' EN', 'D', 'END', '<|im_', 'end|>', 'Ü', '👋']
const rules = (more: Partial<AnswerRules> = {}): AnswerRules => ({
  pieceOf: (id) => (id < 256 ? Uint8Array.of(id) : utf8.encode(words[id - 256] ?? '')),
  isEnd: (id) => id === END,
  stop: [],
  limit: Infinity,
  ...more,
})

const id = (word: string): number => 256 + words.indexOf(word)
const bytes = (text: string): number[] => [...utf8.encode(text)]

/** What each token shows, until the answer is over; tokens of `prefix` were shown before. */
function shown(
  ids: readonly number[],
  more: Partial<AnswerRules> = {},
  prefix: readonly number[] = [],
) {
  const answer = new Answer(rules(more))
  for (const token of prefix) answer.take(token)
  const texts: string[] = []
  for (const token of ids) {
    if (answer.finish) break
    const { text, silent } = answer.take(token)
    if (!silent) texts.push(text)
  }
  return { texts, finish: answer.finish }
}

describe('an answer', () => {
  test('holds back a character until all of its bytes are there', ({ expect }) => {
    expect(shown(bytes('a👋b')).texts).toEqual(['a', '', '', '', '👋', 'b'])
  })

  test('shows half a character as what it is when nothing more comes', ({ expect }) => {
    const half = bytes('👋').slice(0, 2)
    expect(shown([...half, END])).toEqual({ texts: ['', '', '\uFFFD'], finish: 'stop' })
    expect(shown(half, { limit: 2 })).toEqual({ texts: ['', '\uFFFD'], finish: 'length' })
  })

  test('keeps a byte order mark: it is text like any other', ({ expect }) => {
    expect(shown(bytes('\uFEFFa')).texts.join('')).toBe('\uFEFFa')
  })

  test('never shows a stop string, nor what follows it', ({ expect }) => {
    const stop = ['END']
    expect(shown([id('Hello'), id(' EN'), id('D'), id('ld')], { stop })).toEqual({
      texts: ['Hello', ' ', ''],
      finish: 'stop',
    })
    expect(shown(bytes('a END b'), { stop }).texts.join('')).toBe('a ')
  })

  test('gives back what only looked like a stop string', ({ expect }) => {
    const { texts, finish } = shown([id(' EN'), id('ld')], { stop: ['END'] })
    expect({ texts, finish }).toEqual({ texts: [' ', 'ENld'], finish: undefined })
  })

  test('gives what it held back to the last token, whatever ends it', ({ expect }) => {
    const stop = ['END']
    expect(shown([id(' EN')], { stop, limit: 1 })).toEqual({ texts: [' EN'], finish: 'length' })
    // The end mark is a token of the answer here, because the text must go with some token.
    expect(shown([id(' EN'), END], { stop })).toEqual({ texts: [' ', 'EN'], finish: 'stop' })
    expect(shown([id('Hello'), END], { stop })).toEqual({ texts: ['Hello'], finish: 'stop' })
  })

  test('takes the first of several stop strings', ({ expect }) => {
    expect(shown(bytes('abcdef'), { stop: ['ef', 'cd', 'bcx'] }).texts.join('')).toBe('ab')
  })

  test('ends at its limit', ({ expect }) => {
    expect(shown([id('Hello'), id(' wor'), id('ld')], { limit: 2 })).toEqual({
      texts: ['Hello', ' wor'],
      finish: 'length',
    })
  })
})

const token = oneof(
  integer({ min: 256, max: 255 + words.length }),
  constantFrom(...bytes('ENDÜ👋 ab'), 0xff),
)

test('an answer that is taken over at any token goes on with exactly the text that is missing', ({
  expect,
}) => {
  const stops = uniqueArray(constantFrom('END', 'NDE', 'ld', '👋', 'Ü ', '\uFFFD', 'llo wor'), {
    maxLength: 4,
  })
  assert(
    property(
      array(token, { maxLength: 30 }),
      stops,
      integer({ min: 1, max: 40 }),
      (ids, stop, limit) => {
        const all = [...ids, END]
        const whole = shown(all, { stop, limit })
        for (let cut = 0; cut <= whole.texts.length; cut++) {
          const rest = shown(all.slice(cut), { stop, limit }, all.slice(0, cut))
          expect(rest).toEqual({ ...whole, texts: whole.texts.slice(cut) })
        }
      },
    ),
    { numRuns: 500 },
  )
})
