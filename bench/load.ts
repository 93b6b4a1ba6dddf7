import { Agent, request } from 'node:http'

export interface Load {
  url: string
  key: string
  model: string
  requests: number
  /** Requests under way at once, each on a connection that is kept. */
  concurrency: number
  text?: string
}

export interface LoadResult {
  /** Content events, the role and the end left out. */
  chunks: number
  /** Answers that did not end with [DONE]: a row with any of these is void. */
  broken: number
  wallMs: number
  /** From the request to its first content, milliseconds each. */
  firstMs: number[]
}

/** Streams answers and counts them. It does as little as it can, so that it does not become what is measured. */
export async function load({ concurrency, requests, ...ask }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const result: LoadResult = { chunks: 0, broken: 0, wallMs: 0, firstMs: [] }
  let left = requests
  const startedMs = performance.now()
  const client = async (): Promise<void> => {
    while (left-- > 0) await one(agent, ask, result)
  }
  await Promise.all(Array.from({ length: concurrency }, client))
  result.wallMs = performance.now() - startedMs
  agent.destroy()
  return result
}

const CONTENT = '"delta":{"content"'

function one(
  agent: Agent,
  ask: Omit<Load, 'requests' | 'concurrency'>,
  result: LoadResult,
): Promise<void> {
  const body = JSON.stringify({
    model: ask.model,
    stream: true,
    seed: 7,
    temperature: 0,
    messages: [{ role: 'user', content: ask.text ?? 'hi' }],
  })
  const headers = {
    authorization: `Bearer ${ask.key}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const sent = request(
      `${ask.url}/v1/chat/completions`,
      { agent, method: 'POST', headers },
      (response) => {
        let tail = ''
        let first = true
        response.setEncoding('latin1')
        response.on('data', (data: string) => {
          // An event that is cut in two is counted when its rest is here.
          const text = tail + data
          const pieces = text.split(CONTENT).length - 1
          if (pieces > 0 && first) {
            first = false
            result.firstMs.push(performance.now() - startedMs)
          }
          result.chunks += pieces
          tail = text.slice(-(CONTENT.length - 1))
        })
        response.on('end', () => {
          if (!tail.endsWith('[DONE]\n\n')) result.broken++
          resolve()
        })
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
