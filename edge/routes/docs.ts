import type { AppEnv } from '../http.ts'
import { Failure } from '../../proto/failure.ts'
import { Hono } from 'hono'
import type { Ports } from '../ports.ts'

const SCRIPT = '/docs/scalar.js'
/** Without what would lead elsewhere. */
const SETTINGS = {
  url: '/openapi.json',
  authentication: { preferredSecurityScheme: 'key' },
  telemetry: false,
  withDefaultFonts: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
}
const START = `Scalar.createApiReference('#reference', ${JSON.stringify(SETTINGS)})`

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>June: the API</title>
</head>
<body>
<div id="reference"></div>
<noscript>The description of the API is in <a href="/openapi.json">openapi.json</a>.</noscript>
<script src="${SCRIPT}"></script>
<script>${START}</script>
</body>
</html>
`

/** Everything on the page is ours or in the page: the reference asks nobody else for fonts, scripts or a proxy. */
const pageHeaders = (startHash: string): Record<string, string> => ({
  'content-security-policy':
    `default-src 'none'; script-src 'self' 'sha256-${startHash}'; style-src 'unsafe-inline'; connect-src 'self'; ` +
    "font-src data:; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
})

/** The description of the API for people, from a script that is served here. */
export const docsRoutes = ({ docsScript }: Pick<Ports, 'docsScript'>) =>
  new Hono<AppEnv>()
    .get('/docs', async (c) =>
      c.html(PAGE, 200, { ...c.var.headers, ...pageHeaders(await sha256(START)) }),
    )
    .get(SCRIPT, async (c) => {
      const script = await docsScript()
      if (script === undefined)
        throw new Failure(
          'not_found',
          'This installation has no script for /docs. The description itself is in /openapi.json.',
        )
      return c.body(script, 200, {
        ...c.var.headers,
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=3600',
        'x-content-type-options': 'nosniff',
      })
    })

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}
