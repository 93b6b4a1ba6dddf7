import { createRoute } from '@hono/zod-openapi'
import { endUserOf } from '../../proto/openai/end-user.ts'
import { Ranking, RerankRequest } from '../../proto/openai/rerank.ts'
import { decodeVector } from '../../proto/vector.ts'
import { admission } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { vectorsOf } from '../stream/vectors.ts'
import { askingFailures } from './described.ts'

const rerank = createRoute({
  method: 'post',
  path: '/v1/rerank',
  tags: ['Embeddings'],
  summary: 'Order documents by how well they answer a query',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: RerankRequest } } },
  },
  responses: {
    200: {
      description: 'The documents, the best first',
      content: { 'application/json': { schema: Ranking } },
    },
    ...askingFailures(),
  },
})

export const rerankRoutes = (ports: Pick<Ports, 'answers' | 'catalogue' | 'limiter'>) => {
  const admit = admission(ports)
  return router().openapi(rerank, async (c) => {
    const request = c.req.valid('json')
    const documents = request.documents.map((each) => (typeof each === 'string' ? each : each.text))
    const asker = await askerOf(c, { route: rerank.path, signal: hangupOf(c).signal })
    const { head, answer } = await admit(asker, {
      model: request.model,
      user: endUserOf(request),
      work: () => ({ kind: 'rerank', query: request.query, documents }),
    })
    const { blocks, promptTokens } = await vectorsOf(answer, documents.length)
    const results = blocks
      .map((block, index) => ({ index, relevance_score: decodeVector(block)[0] ?? 0 }))
      .toSorted((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
      .slice(0, request.top_n ?? documents.length)
      .map((each) =>
        request.return_documents
          ? { ...each, document: { text: documents[each.index] ?? '' } }
          : each,
      )
    const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens }
    const ranking = {
      id: `rerank-${head.id.slice(4)}`,
      object: 'list' as const,
      model: head.model,
      results,
      usage,
    }
    return c.json(ranking, 200, answered(c, head.id))
  })
}
