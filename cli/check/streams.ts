import { expectTo, type Check } from './probe.ts'
import { streamed } from './stream.ts'

const finishes = (chunks: { choices: { finish_reason?: string | null | undefined }[] }[]) =>
  chunks.flatMap(({ choices }) => choices.flatMap(({ finish_reason: why }) => why ?? []))

/** What a stream is. */
export const streams: readonly Check[] = [
  {
    id: 'stream-type',
    title: 'a stream is text/event-stream that no proxy keeps back',
    run: async (probe) => {
      const { headers } = await streamed(probe)
      const [type, cache] = [headers.get('content-type') ?? '', headers.get('cache-control') ?? '']
      expectTo(type.startsWith('text/event-stream'), `content-type: ${type}`)
      expectTo(cache.includes('no-cache'), `cache-control: ${cache}`)
      expectTo(!headers.has('content-encoding'), 'it is compressed')
    },
  },
  {
    id: 'stream-done',
    title: 'a stream ends with [DONE], and only its end says that it is whole',
    run: async (probe) => {
      const { done, chunks } = await streamed(probe)
      expectTo(done, 'there is no [DONE]')
      const found = finishes(chunks)
      expectTo(found.length === 1, `${found.length} finish reasons: ${found.join()}`)
    },
  },
  {
    id: 'stream-head',
    title: 'all chunks have one id, one time and one model, and the first names the role',
    run: async (probe) => {
      const { chunks } = await streamed(probe)
      const heads = new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`))
      expectTo(heads.size === 1, [...heads].join('; '))
      const role = chunks[0]?.choices[0]?.delta.role
      expectTo(role === 'assistant', `the role is ${role}`)
    },
  },
  {
    id: 'stream-usage-unasked',
    title: 'usage comes only where it was asked for',
    run: async (probe) => {
      const { chunks } = await streamed(probe)
      expectTo(
        chunks.every(({ usage, choices }) => !usage && choices.length > 0),
        'there is a chunk of usage',
      )
    },
  },
  {
    id: 'stream-usage',
    title: 'usage that was asked for is the last chunk, without choices, and null before',
    run: async (probe) => {
      const { chunks } = await streamed(probe, { stream_options: { include_usage: true } })
      const last = chunks.at(-1)
      expectTo(last?.choices.length === 0 && !!last.usage, JSON.stringify(last))
      expectTo(
        chunks.slice(0, -1).every(({ usage }) => usage === null),
        'a chunk before it has no "usage": null',
      )
    },
  },
  {
    id: 'stream-whole',
    title: 'the pieces of a stream are the whole answer, and no character is cut in two',
    run: async (probe) => {
      const messages = [{ role: 'user', content: 'Zähle: eins 🦊, zwei 漢字, drei é.' }]
      const settled = { temperature: 0, seed: 3, messages }
      const { text, chunks } = await streamed(probe, settled)
      const response = await probe.chat(settled)
      const whole = (await response.json()) as { choices: { message: { content: string } }[] }
      expectTo(text === whole.choices[0]?.message.content, `${text} is not the whole answer`)
      const cut = chunks.find(({ choices: [c] }) => c?.delta.content?.endsWith('\uFFFD'))
      expectTo(!cut, JSON.stringify(cut))
    },
  },
  {
    id: 'stream-options-alone',
    title: 'stream: false is a whole answer, whatever else is asked of streams',
    run: async (probe) => {
      const response = await probe.chat({ stream: false })
      const type = response.headers.get('content-type') ?? ''
      await response.body?.cancel()
      expectTo(type.startsWith('application/json'), `content-type: ${type}`)
    },
  },
]
