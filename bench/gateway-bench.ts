import { cpuMicros } from './cpu.ts'
import { load } from './load.ts'
import type { Row } from './report.ts'
import { median } from './report.ts'
import type { BenchStack, Part } from './stack.ts'

const CONCURRENCY = 16
const ROUNDS = 5
const REQUESTS = 1_000
/** The compiler is done with a path after some thousands of requests: before that, it is what is measured. */
const WARM_REQUESTS = 5_000
const STREAMS = 32
const TOKENS = 2_048

type Contestant = 'gateway' | 'gateway again' | 'control'

/** CPU microseconds at the gateway: of an admitted request, and of a forwarded chunk, beside the bare control. */
export async function gatewayBench(stack: BenchStack): Promise<Row[]> {
  const parts: Record<Contestant, Part> = {
    gateway: stack.gateway,
    'gateway again': stack.gateway,
    control: stack.control,
  }
  const names = Object.keys(parts) as Contestant[]
  const request = new Map<Contestant, number[]>(names.map((name) => [name, []]))
  const chunk = new Map<Contestant, number[]>(names.map((name) => [name, []]))
  for (const part of [stack.gateway, stack.control])
    await perAnswer(stack, part, { tokens: 1, requests: WARM_REQUESTS })
  for (let round = 0; round <= ROUNDS; round++)
    for (const name of names.toSorted(() => (round % 2 ? -1 : 1))) {
      const perRequest = await perAnswer(stack, parts[name], { tokens: 1, requests: REQUESTS })
      const perStream = await perAnswer(stack, parts[name], { tokens: TOKENS, requests: STREAMS })
      // The first round warms the streams up.
      if (round === 0) continue
      request.get(name)?.push(perRequest)
      chunk.get(name)?.push((perStream - perRequest) / (TOKENS - 1))
    }
  return names.flatMap((name) => [
    {
      bench: 'CPU µs per admitted request',
      row: name,
      value: median(request.get(name) ?? []),
      unit: 'µs',
    },
    {
      bench: 'CPU µs per forwarded chunk',
      row: name,
      value: median(chunk.get(name) ?? []),
      unit: 'µs',
    },
  ])
}

async function perAnswer(
  { key }: BenchStack,
  part: Part,
  { tokens, requests }: { tokens: number; requests: number },
): Promise<number> {
  const before = await cpuMicros(part.pid)
  const { chunks, broken } = await load({
    url: part.url,
    key,
    model: `echo-${tokens}-0-0`,
    requests,
    concurrency: CONCURRENCY,
  })
  if (broken > 0 || chunks !== tokens * requests)
    throw new Error(`void: ${broken} broken answers, ${chunks} chunks of ${tokens * requests}`)
  return ((await cpuMicros(part.pid)) - before) / requests
}
