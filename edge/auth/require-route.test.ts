import { describe, test } from 'vitest'
import { requireRoute } from './require-route.ts'

const refusal = (of: string) => `Missing scopes: ${of}.`
const opens = (routes: ['chat'] | ['files'], path: string) => () =>
  requireRoute({ routes, minted: false }, path)
const families = ['files', 'batches', 'usage', 'client_tokens'] as const

describe('a key that is held to no routes', () => {
  test.for(families)('opens %s', (family, { expect }) => {
    const opened = () => requireRoute({ routes: null, minted: false }, `/v1/${family}/one`)
    expect(opened).not.toThrow()
  })

  test.for(families)('does not open %s to its tokens, unless it is named', (family, { expect }) => {
    const opened = () => requireRoute({ routes: null, minted: true }, `/v1/${family}`)
    expect(opened).toThrow(refusal(family))
    const named = () => requireRoute({ routes: [family], minted: true }, `/v1/${family}`)
    expect(named).not.toThrow()
  })

  test.for(['chat', 'models', 'streams', 'responses'])(
    'opens %s to its tokens',
    (first, { expect }) => {
      const opened = () => requireRoute({ routes: null, minted: true }, `/v1/${first}/one`)
      expect(opened).not.toThrow()
    },
  )
})

describe('a key that is held to routes', () => {
  test('opens no others, and streams where it may ask for answers', ({ expect }) => {
    expect(opens(['chat'], '/v1/chat/completions')).not.toThrow()
    expect(opens(['chat'], '/v1/streams/one')).not.toThrow()
    expect(opens(['files'], '/v1/streams/one')).toThrow(refusal('streams'))
    expect(opens(['chat'], '/v1/files')).toThrow(refusal('files'))
  })
})
