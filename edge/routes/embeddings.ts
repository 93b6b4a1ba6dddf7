import { createRoute } from '@hono/zod-openapi'
import { EmbeddingList, EmbeddingRequest, inputsOf } from '../../proto/openai/embeddings.ts'
import { endUserOf } from '../../proto/openai/end-user.ts'
import { decodeVector } from '../../proto/vector.ts'
import { admission } from '../admission/admission.ts'
import { answered } from '../admission/answered.ts'
import { askerOf } from '../admission/asker.ts'
import { hangupOf } from '../admission/hangup.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { vectorsOf } from '../stream/vectors.ts'
import { askingFailures } from './described.ts'

const embed = createRoute({
  method: 'post',
  path: '/v1/embeddings',
  tags: ['Embeddings'],
  summary: 'Make a vector of each text',
  security: [{ key: [] }],
  request: {
    body: { required: true, content: { 'application/json': { schema: EmbeddingRequest } } },
  },
  responses: {
    200: {
      description: 'A vector of length 1 for each input, in their order',
      content: { 'application/json': { schema: EmbeddingList } },
    },
    ...askingFailures(),
  },
})

export const embeddingRoutes = (ports: Pick<Ports, 'answers' | 'catalogue' | 'limiter'>) => {
  const admit = admission(ports)
  return router().openapi(embed, async (c) => {
    const request = c.req.valid('json')
    const { model, dimensions } = request
    const inputs = inputsOf(request)
    const asker = await askerOf(c, { route: embed.path, signal: hangupOf(c).signal })
    const { head, answer } = await admit(asker, {
      model,
      user: endUserOf(request),
      work: () => ({ kind: 'embed', inputs, ...(dimensions && { dimensions }) }),
    })
    const { blocks, promptTokens } = await vectorsOf(answer, inputs.length)
    const isBase64 = request.encoding_format === 'base64'
    const data = blocks.map((block, index) => ({
      object: 'embedding' as const,
      index,
      embedding: isBase64 ? base64Of(block) : decodeVector(block).map(shortest),
    }))
    const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens }
    const list = { object: 'list' as const, data, model: head.model, usage }
    return c.json(list, 200, answered(c, head.id))
  })
}

/** All that a 32 bit float knows, and no more digits. */
const shortest = (value: number): number => Number(value.toPrecision(9))

/** So many bytes at a time become arguments of one call. */
const SLICE_BYTES = 0x2000

function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE_BYTES))
  return btoa(text)
}
