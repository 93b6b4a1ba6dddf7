export const INVARIANTS = {
  history: 'the history is whole',
  I1: 'every accepted job ends exactly once',
  I2: 'every position once, in order, and the undisturbed text',
  I3: 'one usage record, equal to what was read',
  I4: 'no frame of an old epoch was read',
  I5: 'nothing is left behind',
  I6: 'every fault took effect',
} as const
export type Invariant = keyof typeof INVARIANTS

export interface Violation {
  invariant: Invariant
  what: string
}

/** Collects what is wrong; a rule says it and goes on, so that one history tells all that it knows. */
export class Findings {
  readonly violations: Violation[] = []

  readonly accuse = (invariant: Invariant, what: string): void => {
    this.violations.push({ invariant, what })
  }
}

export type Accuse = Findings['accuse']
