import { insideOf } from './large.ts'
import type { Spend } from './language.ts'
import { BadSchema, type Shape, type Shapes } from './shape.ts'

/** Where an answer is several lists or objects at once until one of them turns out to be meant. */
const MESSAGE =
  'Several of its branches may begin alike. Let there be one list at most, and begin each object with a required ' +
  'property whose const no other has.'

type Opener = Extract<Shape, { kind: 'array' | 'object' }> | { kind: 'any' }

/**
 * Refuses choices that nest in each other while it is open which of their branches is meant. Whoever follows such an
 * answer follows all ways at once, and each level multiplies them. Branches that hold nothing but plain values do not.
 */
export function refuseAmbiguous(shapes: Shapes, spend: Spend): void {
  const openers = new OpenersOf(shapes.named, spend)
  const look = (shape: Shape): void => {
    if (shape.kind === 'choice' && isAmbiguous(openers.of(shape), openers))
      throw new BadSchema([], MESSAGE)
    for (const inner of insideOf(shape)) look(inner)
  }
  look(shapes.root)
  for (const shape of shapes.named.values()) look(shape)
}

/** What a shape may be that opens a bracket. */
class OpenersOf {
  readonly #named: Shapes['named']
  readonly #known = new Map<string, Opener[]>()

  readonly #spend: Spend

  constructor(named: Shapes['named'], spend: Spend) {
    this.#spend = spend
    this.#named = named
  }

  of(shape: Shape): Opener[] {
    switch (shape.kind) {
      case 'any':
        return [{ kind: 'any' }]
      case 'array':
      case 'object':
        return [shape]
      case 'choice':
        return shape.of.flatMap((each) => this.of(each))
      case 'ref':
        return this.#ofName(shape.to)
      case 'boolean':
      case 'decimal':
      case 'integer':
      case 'literal':
      case 'never':
      case 'null':
      case 'number':
      case 'string':
      case 'text':
        return []
    }
  }

  #ofName(name: string): Opener[] {
    const known = this.#known.get(name)
    // Names for choices of names come to a number that grows with every level.
    this.#spend(known?.length ?? 1)
    if (known) return known
    const shape = this.#named.get(name)
    const openers = shape ? this.of(shape) : []
    this.#known.set(name, openers)
    return openers
  }
}

function isAmbiguous(openers: readonly Opener[], all: OpenersOf): boolean {
  if (openers.length < 2) return false
  const holdsPlain = (opener: Opener): boolean =>
    opener.kind !== 'any' && insideOf(opener).every((inner) => all.of(inner).length === 0)
  if (openers.every(holdsPlain)) return false
  if (openers.some(({ kind }) => kind === 'any')) return true
  const lists = openers.filter(({ kind }) => kind === 'array')
  const objects = openers.filter(({ kind }) => kind !== 'array')
  return lists.length > 1 || (objects.length > 1 && !beginApart(objects))
}

/** Whether the first member says which of them it is. */
function beginApart(objects: readonly Opener[]): boolean {
  const seen = new Set<string>()
  const names = new Map<string, 'const' | 'other'>()
  for (const object of objects) {
    const [first] =
      object.kind === 'object' ? object.members.filter(({ shape }) => shape.kind !== 'never') : []
    if (!first?.required) return false
    const values = literalsOf(first.shape)
    const how = values ? 'const' : 'other'
    // A name that is another's too is no help, unless it has a value of its own in each.
    if (names.has(first.name) && (how === 'other' || names.get(first.name) === 'other'))
      return false
    names.set(first.name, how)
    for (const value of values ?? []) {
      const pair = JSON.stringify([first.name, value])
      if (seen.has(pair)) return false
      seen.add(pair)
    }
  }
  return true
}

function literalsOf(shape: Shape): string[] | undefined {
  if (shape.kind === 'literal') return [shape.json]
  if (shape.kind !== 'choice') return undefined
  const all = shape.of.map(literalsOf)
  return all.every((each) => each !== undefined) ? all.flat() : undefined
}
