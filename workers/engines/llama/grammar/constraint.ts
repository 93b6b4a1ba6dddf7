import { Failure } from '../../../../proto/failure.ts'
import type { Format } from '../../../../proto/format.ts'
import { readSchema } from '../../../../proto/schema/read-schema.ts'
import { ANY_OBJECT } from '../../../../proto/schema/make-shape.ts'
import { BadSchema, type Shapes } from '../../../../proto/schema/shape.ts'
import type { Bindings, Draw, NativeGrammar } from '../bindings.ts'
import { gbnfOf } from './gbnf.ts'
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

/** Holds one answer to its format. Its state is a function of the format and the tokens, so that a takeover replays it. */
export class Constraint {
  readonly #rules: ConstraintRules
  readonly #grammar: NativeGrammar
  #tail: Tail = 0

  constructor(format: Format, rules: ConstraintRules) {
    this.#rules = rules
    this.#grammar = grammarOf(shapesOf(format), rules)
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

function shapesOf(format: Format): Shapes {
  if (format.kind === 'json') return ANY_OBJECT
  try {
    return readSchema(JSON.parse(format.schema))
  } catch (cause) {
    const why = cause instanceof BadSchema ? ` At "${cause.path.join('.')}": ${cause.message}` : ''
    throw refused(`This schema cannot be kept.${why}`, cause)
  }
}

function grammarOf(shapes: Shapes, { bindings }: ConstraintRules): NativeGrammar {
  try {
    return bindings.newGrammar(gbnfOf(shapes))
  } catch (cause) {
    throw refused('The model cannot keep this schema. Ask for a simpler one.', cause)
  }
}

const refused = (message: string, cause: unknown): Failure =>
  new Failure('invalid', message, { param: 'response_format', cause })
