import type { Calling, CallSyntax } from '../../../../proto/calling.ts'
import { Failure } from '../../../../proto/failure.ts'
import type { Format } from '../../../../proto/format.ts'
import type { ChatJob } from '../../../../proto/job.ts'
import { readSchema } from '../../../../proto/schema/read-schema.ts'
import { ANY_OBJECT } from '../../../../proto/schema/make-shape.ts'
import { BadSchema, type Shapes } from '../../../../proto/schema/shape.ts'
import type { Bindings, Draw, NativeGrammar } from '../bindings.ts'
import { callsOf } from './calls.ts'
import { gbnfWith } from './gbnf.ts'
import type { BarredTokens } from './barred-tokens.ts'
import { tailAfter, type Tail } from './utf8-tail.ts'

/** What a draw needs to know of it. */
export type Bound = Pick<Draw, 'grammarEvaluationState' | 'tokenBiasKeys' | 'tokenBiasValues'>

export interface ConstraintRules {
  bindings: Pick<Bindings, 'newGrammar' | 'accept'>
  pieceOf: (id: number) => Uint8Array
  isEnd: (id: number) => boolean
  barred: BarredTokens
}

/** What an answer is held to: a format, or calls in a syntax; either of the two, where it may choose. */
export interface Held {
  format?: Format | undefined
  calls?: { calling: Calling; syntax: CallSyntax } | undefined
}

/** What a job is held to. Where it may call or not and has no format, any text will do. */
export function heldBy(
  { calling, sampling: { format } }: Pick<ChatJob, 'calling' | 'sampling'>,
  syntax: CallSyntax,
): Held | undefined {
  const calls = calling && { calling, syntax }
  if (calling?.choice === 'required') return { calls }
  return format && { format, calls }
}

/** Holds one answer to what it must be. Its state follows from that and the tokens, so that a takeover replays it. */
export class Constraint {
  readonly #rules: ConstraintRules
  readonly #grammar: NativeGrammar
  #tail: Tail = 0

  constructor(held: Held, rules: ConstraintRules) {
    this.#rules = rules
    this.#grammar = grammarOf(held, rules)
  }

  /** For the next token. llama.cpp moves the grammar on itself by what it draws. */
  next(): Bound {
    return { grammarEvaluationState: this.#grammar, ...this.#rules.barred.after(this.#tail) }
  }

  /** A token was drawn here. */
  drew(id: number): void {
    this.#tail = tailAfter(this.#tail, this.#rules.pieceOf(id)) ?? 0
  }

  /** A token was drawn elsewhere, before the answer was taken over. */
  replay(id: number): void {
    if (!this.#rules.isEnd(id)) this.#rules.bindings.accept(this.#grammar, id)
    this.drew(id)
  }
}

/** Schemas that were read lately. Apps ask with the same ones, and everyone's next token waits while one is read. */
const lately = new Map<string, Shapes>()
const MOST_LATELY = 32

function shapesOf(format: Format): Shapes {
  if (format.kind === 'json') return ANY_OBJECT
  try {
    const shapes = lately.get(format.schema) ?? readSchema(JSON.parse(format.schema))
    lately.delete(format.schema)
    lately.set(format.schema, shapes)
    const [oldest] = lately.keys()
    if (lately.size > MOST_LATELY && oldest !== undefined) lately.delete(oldest)
    return shapes
  } catch (cause) {
    const why = cause instanceof BadSchema ? ` At "${cause.path.join('.')}": ${cause.message}` : ''
    throw refused(`This schema cannot be kept.${why}`, cause)
  }
}

function grammarOf({ format, calls }: Held, { bindings }: ConstraintRules): NativeGrammar {
  const shapes = format && shapesOf(format)
  try {
    const gbnf = gbnfWith((write) =>
      [
        ...(shapes ? [write(shapes)] : []),
        ...(calls ? [callsOf(calls.calling, calls.syntax, write)] : []),
      ].join(' | '),
    )
    return bindings.newGrammar(gbnf)
  } catch (cause) {
    const param = format ? 'response_format' : 'tools'
    throw refused('The model cannot keep this schema. Ask for a simpler one.', cause, param)
  }
}

const refused = (message: string, cause: unknown, param = 'response_format'): Failure =>
  new Failure('invalid', message, { param, cause })
