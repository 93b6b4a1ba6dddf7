import { describe, expect, test } from 'vitest'
import { brokenPromises, CHECKS } from '../../cli/check/run-checks.ts'
import type { Stack } from './stack.ts'

/** What nobody else's clients may find broken: the same checks as `june check`. */
export const promises = (stack: () => Stack) =>
  describe('what clients of OpenAI’s API rely on', () => {
    test('is kept', async () => {
      const target = { url: stack().url, key: stack().admin, model: 'echo-40-0-0' }
      const broken = await brokenPromises(target)
      for (const id of OF_REAL_MODELS) delete broken[id]
      expect(broken).toEqual({})
      expect(CHECKS.length).toBeGreaterThanOrEqual(50)
    })
  })

/** An echo is not in the list by every name, hears no stop string and has no probabilities, no format and no functions: see test/clients. */
const OF_REAL_MODELS = ['models', 'stop', 'logprobs', 'json-schema', 'tools']
