import type { Replay } from '../replay.ts'
import type { Finding, ReplayReport } from './replay-test.ts'

const SAID: Record<Finding, string> = {
  exact: 'every answer went on equal to the last bit',
  'same-tokens':
    'every answer went on with the same tokens, and log probabilities that differ in their last digits',
  differs: 'answers went on without loss or repetition, but not all of them as they would have',
}
const WORTH: Record<Finding, number> = { exact: 2, 'same-tokens': 1, differs: 0 }

/** What was found, and what to do about it. `now` is what the model's manifest says. */
export function verdictOf({ model, found }: ReplayReport, now: Replay): string {
  const other: Replay = now === 'prefill' ? 'one-by-one' : 'prefill'
  const verdict = `As its manifest has it ("replay": "${now}"), ${SAID[found[now]]}.`
  const gain = WORTH[found[other]] - WORTH[found[now]]
  if (gain > 0)
    return `${verdict} With "replay": "${other}" in the manifest of "${model}", ${SAID[found[other]]}.`
  if (gain === 0 && other === 'prefill')
    return `${verdict} "replay": "prefill" is as good on this device, and faster.`
  return found[now] === 'differs' ? `${verdict} "${other}" is no better on this device.` : verdict
}
