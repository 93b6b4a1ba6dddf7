/**
 * What a JSON schema asks for, as far as an answer can be held to it while it is made. A closed list, so that a schema
 * is either kept to the letter or refused.
 */
export type Shape =
  | { kind: 'any' | 'number' | 'boolean' | 'null' }
  /** One value, as its JSON. */
  | { kind: 'literal'; json: string }
  /** Both bounds are possible values; `null` is none. */
  | { kind: 'integer'; min: number | null; max: number | null }
  /** Lengths are in code points. */
  | { kind: 'string'; min: number; max: number | null }
  | { kind: 'array'; items: Shape; min: number; max: number | null }
  /** Members come in this order, and no others. */
  | { kind: 'object'; members: readonly Member[] }
  /** An object with any names. */
  | { kind: 'map'; values: Shape }
  | { kind: 'choice'; of: readonly Shape[] }
  /** Another shape of the schema, by the pointer that names it. */
  | { kind: 'ref'; to: string }

export interface Member {
  name: string
  shape: Shape
  required: boolean
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

/** Any JSON object: what `json_object` asks for. */
export const ANY_OBJECT: Shapes = {
  root: { kind: 'map', values: { kind: 'any' } },
  named: new Map(),
}
