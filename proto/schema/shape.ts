import type { Language } from './language.ts'

/**
 * What a JSON schema asks for, as far as an answer can be held to it while it is made. A closed list, so that a schema
 * is either kept to the letter or refused. A shape that is `loose` leaves out some of what its schema allows of the same
 * sort: nothing can be concluded from what is not in it.
 */
export type Shape = { loose?: true } & (
  | { kind: 'any' }
  | { kind: 'null' }
  | { kind: 'boolean' }
  | { kind: 'number' }
  /** No value at all. */
  | { kind: 'never' }
  /** One value that holds no others, as its JSON. */
  | { kind: 'literal'; json: string }
  /** Both bounds are possible values; `null` is none. */
  | { kind: 'integer'; min: number | null; max: number | null }
  /** Numbers by their texts, and whatever a text of them stands for is there in all of its texts; see decimals.ts. */
  | { kind: 'decimal'; texts: Language }
  /** Lengths are in code points. */
  | { kind: 'string'; min: number; max: number | null }
  | { kind: 'text'; texts: Language }
  /** The first items are each of their own shape, where there are so many; those after them are `items`. */
  | ArrayShape
  | ObjectShape
  | { kind: 'choice'; of: readonly Shape[] }
  /** Another shape of the schema, by the pointer that names it. */
  | { kind: 'ref'; to: string }
)

export interface ArrayShape {
  kind: 'array'
  first: readonly Shape[]
  items: Shape
  min: number
  max: number | null
}

export interface ObjectShape {
  kind: 'object'
  /** They come in this order. */
  members: readonly Member[]
  /** Members of other names, which come after. No name is in two of them. */
  others: readonly Others[]
  /** How many members there may be in all. */
  min: number
  max: number | null
}

export interface Member {
  name: string
  shape: Shape
  required: boolean
}

export interface Others {
  /** A name that is a member's is not meant. */
  names: Language
  shape: Shape
  /** The schema speaks of them. An object with members of its own is else made without others, which it may have. */
  asked: boolean
}

export interface Shapes {
  root: Shape
  /** What refs point to. `#` is the root. */
  named: ReadonlyMap<string, Shape>
}

/** Where a schema asks for what cannot be kept, and what to do about it. */
export class BadSchema extends Error {
  override readonly name = 'BadSchema'
  /** From the schema's own root. */
  readonly path: readonly string[]

  constructor(path: readonly string[], message: string) {
    super(message)
    this.path = path
  }
}
