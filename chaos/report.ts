import { quantile } from './check/figures.ts'
import { INVARIANTS, type Invariant } from './check/verdict.ts'
import type { Verdict } from './check/check.ts'

const SHOWN = 5

/** What a script reads. */
export function summary({ damage, figures, violations, fenced: on }: Verdict) {
  const { streams, faults, migrations, gapsMs, cancelsMs } = figures
  return {
    streams,
    faults,
    migrations,
    ...damage,
    fenced: on ? figures.fenced : 0,
    gapMs: {
      p50: quantile(gapsMs, 0.5),
      p99: quantile(gapsMs, 0.99),
      max: quantile(gapsMs, 1),
    },
    cancelToFreeMs: { p99: quantile(cancelsMs, 0.99) },
    leftBehind: violations.filter(({ invariant }) => invariant === 'I5').length,
  }
}

/** What a person reads: the figures, then each invariant, then the first of what was wrong. */
export function report(verdict: Verdict): string {
  const { gapMs: _, cancelToFreeMs, leftBehind, ...counts } = summary(verdict)
  const rows: [string, string][] = [
    ...Object.entries(counts).map(([name, value]): [string, string] => [name, String(value)]),
    ['migrations that no fault explains', String(verdict.figures.unprovoked)],
    ['late frames said', String(verdict.figures.late)],
    ['adoptions', String(verdict.figures.adoptions)],
    ['gap p50 / p99 / max', `${three(verdict.figures.gapsMs)} ms`],
    ['… with a frozen gateway or broker', `${three(verdict.figures.frozenGapsMs)} ms`],
    ['cancel to free p99', `${cancelToFreeMs.p99} ms`],
    ['left behind', String(leftBehind)],
  ]
  const invariants = (Object.keys(INVARIANTS) as Invariant[]).map((name): [string, string] => {
    const found = verdict.violations.filter(({ invariant }) => invariant === name)
    const first = found.slice(0, SHOWN).map(({ what }) => `\n    ${what}`)
    const more = found.length > SHOWN ? `\n    … and ${found.length - SHOWN} more` : ''
    const holds = found.length === 0 ? 'holds' : `DOES NOT HOLD${first.join('')}${more}`
    return [`${name}  ${INVARIANTS[name]}`, holds]
  })
  const control = verdict.fenced
    ? ''
    : 'The fence is off: this is the control, and it must fail.\n\n'
  return `\n${control}${columns(rows)}\n\n${columns(invariants)}\n`
}

const three = (values: readonly number[]): string =>
  [0.5, 0.99, 1].map((q) => quantile(values, q)).join(' / ')

function columns(rows: readonly [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `${left.padEnd(width)}${right}`).join('\n')
}
