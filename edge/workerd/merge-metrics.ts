const NOTE =
  '# Counters of the Durable Objects since each last woke; the isolates before them keep none.'

/**
 * Prometheus text of several objects as one: a family's `HELP` and `TYPE` stand once, over the samples of all, and
 * each sample says which shard it is of.
 */
export function mergeMetrics(texts: readonly string[]): string {
  const families = new Map<string, { head: string[]; samples: string[] }>()
  for (const [shard, text] of texts.entries()) {
    let family = { head: [] as string[], samples: [] as string[] }
    for (const line of text.split('\n')) {
      const [, kind, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? []
      if (kind && name) {
        family = families.get(name) ?? { head: [], samples: [] }
        families.set(name, family)
        if (shard === 0) family.head.push(line)
      } else if (line) {
        family.samples.push(
          line.replace(
            /^(\w+)(?:\{(.*)\})? /,
            (_, sample: string, labels?: string) =>
              `${sample}{${labels === undefined ? '' : `${labels},`}shard="${shard}"} `,
          ),
        )
      }
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples])
  return `${[NOTE, ...lines].join('\n')}\n`
}
