// Puts the script of /docs where the Worker is bundled with it as text: `wrangler` runs this before it bundles.
import { copyFileSync, mkdirSync } from 'node:fs'

const dist = new URL('../edge/page/dist/', import.meta.url)
const from = '../node_modules/@scalar/api-reference/dist/browser/standalone.js'
mkdirSync(dist, { recursive: true })
copyFileSync(new URL(from, import.meta.url), new URL('scalar.txt', dist))
