import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { z } from 'zod'
import { JobId } from '../proto/ids.ts'

export interface Asked {
  url: string
  key: string
  model: string
  text: string
  maxTokens?: number
}

const Event = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })),
})
const DONE = '[DONE]'

/** A streamed answer as its reader sees it: what came, and when each event with content came. */
export class TimedAnswer {
  readonly job: JobId
  /** Of `performance.now()`, one for each event that brought content. */
  readonly arrivals: number[] = []
  text = ''
  /** When `[DONE]` came; nothing where the answer broke off. */
  doneAtMs: number | undefined
  /** Resolves when nothing more will come, whole or not. */
  readonly over: Promise<void>
  readonly #sent: ClientRequest
  #waiting: { events: number; resolve: () => void }[] = []

  static async ask({ url, key, model, text, maxTokens }: Asked): Promise<TimedAnswer> {
    const sent = request(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    })
    const messages = [{ role: 'user', content: text }]
    const sampling = { seed: 7, temperature: 0, ...(maxTokens && { max_tokens: maxTokens }) }
    sent.end(JSON.stringify({ model, stream: true, ...sampling, messages }))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    if (response.statusCode !== 200) throw new Error(`void: status ${response.statusCode}`)
    return new TimedAnswer(sent, response)
  }

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#sent = sent
    this.job = JobId.parse(response.headers['x-generation-id'])
    let rest = ''
    response.setEncoding('utf8').on('data', (data: string) => {
      const events = (rest + data).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) this.#heard(event)
    })
    sent.on('error', () => {})
    response.on('error', () => {})
    this.over = new Promise((resolve) => response.once('close', resolve))
  }

  /** Resolves with the event that makes so many, or when the answer is over. */
  async reaches(events: number): Promise<void> {
    if (this.arrivals.length >= events) return
    const reached = new Promise<void>((resolve) => this.#waiting.push({ events, resolve }))
    await Promise.race([reached, this.over])
  }

  hangUp(): void {
    this.#sent.destroy()
  }

  /** The longest wait between two events of which the later came after `sinceMs`. */
  longestGapMs(sinceMs: number): number {
    let longestMs = 0
    for (const [i, atMs] of this.arrivals.entries()) {
      const beforeMs = this.arrivals[i - 1]
      if (beforeMs !== undefined && atMs > sinceMs) longestMs = Math.max(longestMs, atMs - beforeMs)
    }
    return longestMs
  }

  #heard(event: string): void {
    const data = event
      .split('\n')
      .find((line) => line.startsWith('data: '))
      ?.slice(6)
    if (data === DONE) this.doneAtMs = performance.now()
    if (data === undefined || data === DONE) return
    const parsed = Event.safeParse(JSON.parse(data))
    const content = parsed.data?.choices[0]?.delta.content
    if (!content) return
    this.text += content
    this.arrivals.push(performance.now())
    const reached = this.#waiting.filter(({ events }) => events <= this.arrivals.length)
    this.#waiting = this.#waiting.filter((waiting) => !reached.includes(waiting))
    for (const { resolve } of reached) resolve()
  }
}
