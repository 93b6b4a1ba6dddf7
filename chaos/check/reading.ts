import { MARK } from '../faults/mark.ts'
import type { Of } from '../history.ts'
import { expectedOf, type Expected } from './oracle.ts'
import { readingOf, type Connection, type Story, type StreamStory } from './story.ts'
import type { Accuse } from './verdict.ts'

/** A fault on a gateway explains what broke a little later too: the client must first notice. */
const AFTERMATH_MS = 5_000

/** Words that were lost, and that came twice, and answers that were not the undisturbed ones. */
export interface Damage {
  lost: number
  duplicated: number
  wrong: number
}

/** I2, for one client: what it read is what an undisturbed run says, each position once and in order. */
export function checkReading(
  story: Story,
  stream: StreamStory,
  accuse: Accuse,
  damage: Damage,
): void {
  const { plan } = stream.request
  const told = (what: string): void => accuse('I2', `stream ${plan.stream}: ${what}`)
  const expected = expectedOf(story, plan.ask)
  if (!expected) return told(`nobody knows what ${plan.ask.model} should have said`)
  const reading = readingOf(stream)
  const last = reading.at(-1)
  const text = reading.flatMap(({ events }) => events.map((event) => event.text)).join('')
  for (const connection of reading) checkEnding({ story, stream, told }, connection)

  if (text.includes(MARK)) accuse('I4', `stream ${plan.stream}: it read a frame of an old epoch`)
  const how = last?.closed?.how
  const mayEndEarly = how === 'left' || (last !== undefined && isExcused(story, stream, last))
  const isWhole = how === 'done'
  if (!isWhole && !mayEndEarly) told(`it ended as "${how ?? 'nothing'}", which nothing explains`)
  const isRight = isWhole || !mayEndEarly ? text === expected.text : expected.text.startsWith(text)
  if (!isRight) {
    const { lost, duplicated } = difference(
      text,
      isWhole || !mayEndEarly ? expected.text : undefined,
      expected,
    )
    damage.lost += lost
    damage.duplicated += duplicated
    damage.wrong++
    told(`its text is not the undisturbed one (${lost} words lost, ${duplicated} twice or strange)`)
  }
  const finishes = reading.flatMap(({ events }) => events).filter(({ finish }) => finish !== null)
  if (isWhole && finishes.length !== 1) told(`${finishes.length} events finish it`)
  if (plan.resumable) checkPositions(reading, expected, told)
  checkReplays(stream, expected, told)
}

/** A plain client may lose its answer with its gateway, and then it must see that it did. */
function isExcused(
  story: Story,
  { request }: StreamStory,
  { opened, closed }: Connection,
): boolean {
  if (!closed || request.plan.resumable) return false
  if (!['cut', 'error', 'stalled', 'unreachable'].includes(closed.how)) return false
  return hasCause(story, opened?.tMs ?? request.tMs, closed)
}

/** Whether a proved fault on the broker or on this gateway reached into the life of a connection. */
const hasCause = ({ faults }: Story, fromMs: number, closed: Of<'closed'>): boolean =>
  faults.some(
    ({ plan, name, proof, tMs, untilMs }) =>
      proof !== null &&
      (plan.target === 'broker' || (plan.target === 'gateways' && name === closed.gateway)) &&
      tMs <= closed.tMs &&
      untilMs + AFTERMATH_MS >= fromMs,
  )

function checkEnding(
  {
    story,
    stream: { request },
    told,
  }: { story: Story; stream: StreamStory; told: (what: string) => void },
  { opened, closed }: Connection,
): void {
  if (!closed) return told('one of its connections has no end')
  if (closed.how === 'silent')
    told(`a connection ended like a whole answer, without [DONE] (${closed.code ?? 'clean end'})`)
  const broke = closed.how === 'cut' || closed.how === 'error'
  if (broke && !hasCause(story, opened?.tMs ?? request.tMs, closed))
    told(
      `a connection ended as "${closed.how}" (${closed.code}), and no fault on its gateway explains it`,
    )
}

/** What ids promise: they rise, and the text that came until one is the text of so many tokens. */
function checkPositions(
  reading: readonly Connection[],
  expected: Expected,
  told: (what: string) => void,
): void {
  let text = ''
  let before = 0
  for (const event of reading.flatMap(({ events }) => events)) {
    const { position, finish, completionTokens } = event
    text += event.text
    const advances = event.text !== '' || finish !== null || completionTokens !== null
    if (!advances) continue
    if (position === null) return told('it opted in, and an event has no id')
    if (position <= before) return told(`after position ${before} came ${position}`)
    before = position
    const due =
      finish !== null
        ? expected.tokens + 1
        : completionTokens !== null
          ? expected.tokens + 2
          : undefined
    if (due !== undefined && position !== due)
      told(`an event that ends it is at ${position}, not ${due}`)
    if (due === undefined && (expected.prefix(position) ?? text) !== text)
      return told(`at position ${position} its text is not that of ${position} tokens`)
  }
}

/** The same request under the same key is answered by the same job, with the same words. */
function checkReplays(
  { connections, request }: StreamStory,
  expected: Expected,
  told: (what: string) => void,
): void {
  const job = connections.find(({ opened }) => opened?.purpose === 'ask')?.opened?.job
  for (const { opened, events, closed } of connections) {
    if (opened?.purpose !== 'replay') continue
    if (opened.job !== job) told(`its key ${request.plan.idempotencyKey} made another job`)
    if (!opened.replayed) told('an answer from its key does not say that it is one')
    const text = events.map((event) => event.text).join('')
    if (closed?.how === 'done' && text !== expected.text) told('its key brought another text')
  }
}

/** Words that are in one and not in the other, however often. A text that may end early can miss none. */
function difference(
  text: string,
  whole: string | undefined,
  expected: Expected,
): { lost: number; duplicated: number } {
  const left = new Map<string, number>()
  for (const word of words(expected.text)) left.set(word, (left.get(word) ?? 0) + 1)
  let duplicated = 0
  for (const word of words(text)) {
    const count = left.get(word) ?? 0
    if (count === 0) duplicated++
    else left.set(word, count - 1)
  }
  const missing = [...left.values()].reduce((sum, count) => sum + count, 0)
  return { lost: whole === undefined ? 0 : missing, duplicated }
}

const words = (text: string): string[] => text.match(/\S+\s*/g) ?? []
