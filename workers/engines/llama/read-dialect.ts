import type { CallSyntax, Dialect, Thinking } from '../../../proto/calling.ts'

/** A function that nobody has: a template that tells of functions tells of it. */
export const PROBE = {
  type: 'function',
  function: {
    name: 'june_probe',
    description: 'Probes.',
    parameters: { type: 'object', properties: {} },
  },
} as const

/** What stands in the templates of a family, and nowhere else. Families whose calls nobody reads here are none of them. */
const FAMILIES: readonly [CallSyntax, (source: string) => boolean][] = [
  ['mistral', (source) => source.includes('[TOOL_CALLS]')],
  [
    'hermes',
    (source) =>
      source.includes('<tool_call>') &&
      !source.includes('<function=') &&
      !source.includes('<arg_key>'),
  ],
  ['llama3', (source) => source.includes('<|start_header_id|>') && source.includes('"parameters"')],
]

/**
 * How a model tells calls and thoughts: as whoever brought it says, else as far as its chat template shows. `probe` renders
 * that, with a function or without.
 */
export function readDialect(
  source: string,
  probe: (tools: boolean) => string,
  said?: CallSyntax,
): { dialect: Dialect; knowsTools: boolean } {
  const family = said ?? FAMILIES.find(([, isIt]) => isIt(source))?.[0]
  const told = source.includes('tools') && probe(true).includes(PROBE.function.name)
  const knowsTools = family !== undefined && told
  const thinking = thinkingOf(source, probe)
  const calls = knowsTools ? family : 'hermes'
  return { dialect: { calls, ...(thinking && { thinking }) }, knowsTools }
}

function thinkingOf(source: string, probe: (tools: boolean) => string): Thinking | undefined {
  if (!source.includes('<think>')) return undefined
  return probe(false).trimEnd().endsWith('<think>') ? 'opened' : 'marked'
}
