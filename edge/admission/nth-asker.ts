import type { Asker } from './asker.ts'

/** Of a request for several answers: its key stands for the first job, and the others have keys that follow from it. */
export const nthAsker = (asker: Asker, index: number): Asker =>
  asker.once && index > 0
    ? { ...asker, once: { ...asker.once, hash: `${asker.once.hash}-${index}` } }
    : asker
