import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from './http.ts'

type Operation = { operationId?: string; security?: object[] }

/** What the routes say of themselves, as one OpenAPI 3.1 document. */
export function describe(app: OpenAPIHono<AppEnv>): object {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
  })
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'June',
      version: '1',
      description: 'An OpenAI-compatible API on machines you own.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  })
  for (const [path, methods] of Object.entries(document.paths ?? {}))
    for (const [method, operation] of Object.entries(methods as Record<string, Operation>)) {
      operation.operationId ??= nameOf(method, path)
      // Without a word about it, a generated client would send its key there too.
      operation.security ??= []
    }
  return document
}

/** `get /v1/models/{model}` is `getModelsByModel`: a generated client names its methods by it. */
function nameOf(method: string, path: string): string {
  const words = path
    .replace(/^\/v1\//, '/')
    .replaceAll(/\{(\w+)\}/g, 'by-$1')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
