import { array, assert, constantFrom, property, string, tuple } from 'fast-check'
import { describe, test } from 'vitest'
import type { KeyId } from '../../proto/ids.ts'
import { matchesModel } from '../../proto/scopes.ts'
import { keyOf } from './key-of.ts'
import { narrowed, narrower } from './narrowed.ts'
import { mayUse } from './require-model.ts'

const key = keyOf({ id: 'key_1' as KeyId, scope: 'admin', requestsPerMinute: 60 })
const none = { routes: null, models: null, cidrs: null, user: null }

const model = string({ unit: constantFrom('a', 'b', '-'), maxLength: 4 })
const pattern = tuple(model, constantFrom('', '*')).map((parts) => parts.join(''))

describe('a key as a token opens it', () => {
  test('is no admin, makes no tokens, and speaks for the user of the token', ({ expect }) => {
    expect(narrowed(key, { ...none, user: 'ann' })).toEqual({
      ...key,
      scope: 'developer',
      reach: null,
      user: { id: 'ann', requestsPerMinute: null },
      minted: true,
    })
  })

  test('may use the routes that both may', ({ expect }) => {
    const held = { ...key, routes: ['chat', 'models'] as const }
    expect(narrowed(held, none).routes).toEqual(['chat', 'models'])
    expect(narrowed(held, { ...none, routes: ['models', 'files'] }).routes).toEqual(['models'])
    expect(narrowed(held, { ...none, routes: ['files'] }).routes).toEqual([])
    expect(narrowed(key, { ...none, routes: ['files'] }).routes).toEqual(['files'])
  })

  test('may use exactly the models that both may', ({ expect }) => {
    const patterns = array(pattern, { maxLength: 3 })
    assert(
      property(patterns, patterns, model, (mine, theirs, asked) => {
        const token = narrowed({ ...key, models: mine }, { ...none, models: theirs })
        const both = [mine, theirs].every((models) => mayUse({ models }, asked))
        expect(mayUse(token, asked)).toBe(both)
      }),
      { numRuns: 1_000 },
    )
  })

  test('of two patterns takes the one within the other', ({ expect }) => {
    expect(narrower('qwen*', 'qwen3-*')).toBe('qwen3-*')
    expect(narrower('qwen3-8b', 'qwen*')).toBe('qwen3-8b')
    expect(narrower('qwen*', 'llama*')).toBeUndefined()
    expect(matchesModel('*', '')).toBe(true)
  })
})
