import { Trouble } from '../trouble.ts'

export interface ConfigParts {
  /** The text of `wrangler.toml`, so that one file says what the Worker is. */
  wrangler: string
  /** Names of files in `bundle/`, beside the configuration. */
  modules: readonly string[]
  /** Variables that workerd reads from its own environment: no secret is written to a file. */
  variables: readonly string[]
  address: string
  /** Where the objects keep what they keep. */
  storeDir: string
}

const kinds: Record<string, string> = { js: 'esModule', html: 'text', txt: 'text', wasm: 'wasm' }

/** The configuration of workerd itself, without wrangler's proxies before it: a tenth of the cost a request. */
export function workerdConfig(parts: ConfigParts): string {
  const { wrangler, modules, variables, address, storeDir } = parts
  const date = one(wrangler, /^compatibility_date = (".+")$/m)
  // Bundling needs to hear of it; workerd has it by the date, and complains of being told.
  const flags = one(wrangler, /^compatibility_flags = (\[.*\])$/m).replace('"nodejs_compat", ', '')
  const objects = Array.from(
    wrangler.matchAll(
      /^\[\[durable_objects\.bindings\]\]\nname = "(\w+)"\nclass_name = "(\w+)"$/gm,
    ),
    ([, name = '', className = '']) => ({ name, className }),
  )
  const module = (name: string): string =>
    `(name = ${text(name)}, ${kinds[name.split('.').at(-1) ?? ''] ?? 'data'} = embed ${text(`bundle/${name}`)})`
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .gateway),
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
    (name = "store", disk = (path = ${text(storeDir)}, writable = true)) ],
  sockets = [ (name = "http", address = ${text(address)}, http = (), service = "main") ] );

const gateway :Workerd.Worker = (
  modules = ${list(modules.map(module))},
  compatibilityDate = ${date},
  compatibilityFlags = ${flags},
  bindings = ${list([
    ...variables.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`),
    ...objects.map(
      ({ name, className }) =>
        `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`,
    ),
  ])},
  durableObjectNamespaces = ${list(
    objects.map(
      ({ className }) =>
        `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`,
    ),
  )},
  durableObjectStorage = (localDisk = "store"),
  globalOutbound = "internet" );
`
}

function one(wrangler: string, pattern: RegExp): string {
  const found = pattern.exec(wrangler)?.[1]
  if (found === undefined)
    throw new Trouble(`wrangler.toml has no line like ${pattern.source}.`, 'Put it back.')
  return found
}

const list = (lines: readonly string[]): string => `[\n    ${lines.join(',\n    ')} ]`
const text = (value: string): string => JSON.stringify(value)
