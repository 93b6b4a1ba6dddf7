import type { Dialect } from './calling.ts'

/** Token `position` of the echo engine's answer: a pure function, so that any interruption can be checked. */
export function echoToken(seed: number, position: number): { id: number; text: string } {
  // The finaliser of MurmurHash3 (public domain), over seed and position.
  let hash = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(position + 1, 0xc2b2_ae35)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  const id = ((hash ^ (hash >>> 16)) >>> 0) % 32_000
  return { id, text: `${id} ` }
}

/** What the name of an echo model asks for. */
export type EchoModel =
  /** `echo-<tokens>-<gapMs>-<prefillMs>`; or `echo-say-<gapMs>`, which says the last message again. */
  | { kind: 'chat'; tokens: number; gapMs: number; prefillMs: number; says?: true }
  /** `echo-in-<gapMs>`: gives back the input stream it is given. */
  | { kind: 'duplex'; gapMs: number }

/** Nobody can ask one that says again what it is told for calls and thoughts: they are in the message. */
export const SAY_DIALECT = { calls: 'hermes', thinking: 'marked' } as const satisfies Dialect

/** A text in the tokens that a model says it in: few characters each, so that whatever stands in it is cut somewhere. */
export function sayTokens(text: string): { id: number; text: string }[] {
  const pieces = text.match(/[\s\S]{1,3}/gu) ?? []
  return pieces.map((piece) => ({ id: piece.codePointAt(0) ?? 0, text: piece }))
}

/** All echo models share one queue a kind: any echo worker can serve any of them. */
export const ECHO_QUEUE = 'echo'

export function parseEcho(model: string): EchoModel | undefined {
  const chat = /^echo-(\d{1,6})-(\d{1,6})-(\d{1,6})$/.exec(model)
  if (chat) {
    const [tokens = 0, gapMs = 0, prefillMs = 0] = chat.slice(1).map(Number)
    return { kind: 'chat', tokens, gapMs, prefillMs }
  }
  const say = /^echo-say-(\d{1,6})$/.exec(model)
  if (say) return { kind: 'chat', tokens: 0, gapMs: Number(say[1]), prefillMs: 0, says: true }
  const duplex = /^echo-in-(\d{1,6})$/.exec(model)
  return duplex ? { kind: 'duplex', gapMs: Number(duplex[1]) } : undefined
}
