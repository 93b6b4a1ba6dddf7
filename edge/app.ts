import { cors } from 'hono/cors'
import { Failure } from '../proto/failure.ts'
import { requireDeployment, requireKey } from './auth/require-key.ts'
import { bodyGuard } from './body-guard.ts'
import { respond, router } from './http.ts'
import { describe } from './openapi.ts'
import { limit } from './limit/limit.ts'
import type { Ports } from './ports.ts'
import { stamp } from './stamp.ts'
import { auditRoutes } from './routes/audit.ts'
import { chatRoutes } from './routes/chat.ts'
import { completionRoutes } from './routes/completions.ts'
import { batchRoutes } from './routes/batches.ts'
import { clientTokenRoutes } from './routes/client-tokens.ts'
import { docsRoutes } from './routes/docs.ts'
import { fileRoutes } from './routes/files.ts'
import { embeddingRoutes } from './routes/embeddings.ts'
import { healthRoutes } from './routes/health.ts'
import { issuerRoutes } from './routes/issuers.ts'
import { keyRoutes } from './routes/keys.ts'
import { budgetRoutes } from './routes/budgets.ts'
import { priceRoutes } from './routes/prices.ts'
import { messageRoutes } from './routes/messages.ts'
import { modelRoutes } from './routes/models.ts'
import { queueRoutes } from './routes/queues.ts'
import { rerankRoutes } from './routes/rerank.ts'
import { responseRoutes } from './routes/responses.ts'
import { storedResponseRoutes } from './routes/stored-responses.ts'
import { organisationRoutes } from './routes/organisations.ts'
import { projectRoutes } from './routes/projects.ts'
import { streamRoutes } from './routes/streams.ts'
import { usageRoutes } from './routes/usage.ts'

/** The whole gateway, given its ports. Top to bottom is the order in which a request meets things. */
export function createApp(ports: Ports) {
  const app = router()
  app.onError(respond)
  app.notFound((c) => respond(noSuchRoute(app.routes, c.req.method, c.req.path), c))
  app.use(stamp(ports.log))
  app.options('/v1/*', cors({ origin: '*', maxAge: 86_400 }))
  app.use('/v1/*', requireKey(ports.keys, 'developer'), limit(ports.limiter), bodyGuard)
  app.use('/admin/*', requireKey(ports.keys, 'admin'), bodyGuard)
  for (const path of OPERATORS_OWN) app.use(path, requireDeployment)
  app.route('/', chatRoutes(ports))
  app.route('/', completionRoutes(ports))
  app.route('/', responseRoutes(ports))
  app.route('/', storedResponseRoutes(ports))
  app.route('/', streamRoutes(ports))
  app.route('/', messageRoutes(ports))
  app.route('/', fileRoutes(ports))
  app.route('/', batchRoutes(ports))
  app.route('/', embeddingRoutes(ports))
  app.route('/', rerankRoutes(ports))
  app.route('/', modelRoutes(ports))
  app.route('/', clientTokenRoutes(ports))
  app.route('/', organisationRoutes(ports))
  app.route('/', projectRoutes(ports))
  app.route('/', keyRoutes(ports))
  app.route('/', priceRoutes(ports))
  app.route('/', budgetRoutes(ports))
  app.route('/', usageRoutes(ports))
  app.route('/', queueRoutes(ports))
  app.route('/', issuerRoutes(ports))
  app.route('/', auditRoutes(ports))
  app.route('/', healthRoutes(ports))
  app.route('/', docsRoutes(ports))
  let description: object | undefined
  app.get('/openapi.json', (c) => c.json((description ??= describe(app)), 200, c.var.headers))
  app.get('/', (c) => c.html(ports.page, 200, { ...c.var.headers, ...PAGE_HEADERS }))
  return app
}

/** Prices, budgets and queues are everybody's: an admin of one organisation has no say in them. */
const OPERATORS_OWN = ['/admin/prices/*', '/admin/budgets/*', '/admin/queues/*']

/** The page is one file with its script in it: nothing from elsewhere runs there, and nobody may frame it. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
}

/** 404, or 405 where the path exists and only the method does not. */
function noSuchRoute(
  routes: readonly { method: string; path: string }[],
  method: string,
  path: string,
): Failure {
  const allowed = routes.filter((route) => route.method !== 'ALL' && matches(route.path, path))
  if (allowed.length === 0)
    return new Failure('not_found', `There is no ${method} ${path.slice(0, 200)} here.`)
  const methods = [...new Set(allowed.map((route) => route.method))].join(', ')
  return new Failure('method_not_allowed', `${method} is not possible here. Use ${methods}.`)
}

function matches(pattern: string, path: string): boolean {
  const [want, got] = [pattern.split('/'), path.split('/')]
  return (
    want.length === got.length &&
    want.every((part, i) => part === got[i] || (part.startsWith(':') && got[i] !== ''))
  )
}
