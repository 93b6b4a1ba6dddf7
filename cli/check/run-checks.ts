import { answers } from './answers.ts'
import { headers } from './headers.ts'
import { Probe, type Check, type ProbeOptions } from './probe.ts'
import { refusals } from './refusals.ts'
import { streams } from './streams.ts'
import { surfaces } from './surfaces.ts'

export const CHECKS: readonly Check[] = [
  ...answers,
  ...streams,
  ...surfaces,
  ...headers,
  ...refusals,
]

export interface Finding {
  id: string
  title: string
  /** What was seen instead, where the promise is not kept. */
  broken: string | null
}

/** Holds an API against every promise, one after the other. Nothing is sent that a careful client would not send. */
export async function* runChecks(
  options: ProbeOptions,
  checks: readonly Check[] = CHECKS,
): AsyncGenerator<Finding> {
  const probe = new Probe(options)
  for (const { id, title, run } of checks) {
    try {
      await run(probe)
      yield { id, title, broken: null }
    } catch (thrown) {
      const seen = thrown instanceof Error ? thrown.message : String(thrown)
      yield { id, title, broken: seen.split('\n').slice(0, 6).join(' ') }
    }
  }
}

/** What was seen where a promise is not kept, by its id. */
export async function brokenPromises(options: ProbeOptions): Promise<Record<string, string>> {
  const broken: Record<string, string> = {}
  for await (const finding of runChecks(options))
    if (finding.broken !== null) broken[finding.id] = finding.broken
  return broken
}
