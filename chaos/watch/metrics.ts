import type { Member } from '../history.ts'
import { metricsUrl } from './members.ts'

/** The samples of June's own metrics, without those of the runtime; nothing where nobody answers. */
export async function metricsOf(member: Member): Promise<Record<string, number> | undefined> {
  const url = await metricsUrl(member)
  if (!url) return undefined
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3_000) })
    return response.ok ? samplesIn(await response.text()) : undefined
  } catch {
    return undefined
  }
}

function samplesIn(text: string): Record<string, number> {
  const samples: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [, name, value] = /^(june_\S+) (\S+)$/.exec(line) ?? []
    if (name !== undefined) samples[name] = Number(value)
  }
  return samples
}

/** A worker's slots, and those of them that wait for a job. */
export async function roomOf(member: Member): Promise<{ slots: number; free: number } | undefined> {
  const samples = await metricsOf(member)
  const { june_worker_slots: slots, june_worker_slots_free: free } = samples ?? {}
  return slots === undefined || free === undefined ? undefined : { slots, free }
}
