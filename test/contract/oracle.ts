import { echoToken } from '../../proto/echo.ts'

/** What an undisturbed echo model says: `n` tokens of a seed. */
export const oracle = (seed: number, n: number): string =>
  Array.from({ length: n }, (_, i) => echoToken(seed, i).text).join('')

export const hello = [{ role: 'user' as const, content: 'say something' }]
