import { BadSchema, type Shape, type Shapes } from './shape.ts'

/**
 * Refuses shapes that no finite value has, such as a list node that must have a next one, and shapes that are only
 * names for each other. An answer held to one would never end.
 */
export function refuseEndless({ root, named }: Shapes): void {
  const ending = new Set<string>()
  const ends = (shape: Shape): boolean => {
    if (shape.kind === 'ref') return ending.has(shape.to)
    if (shape.kind === 'choice') return shape.of.some(ends)
    if (shape.kind === 'never') return false
    if (shape.kind === 'array') {
      const musts = shape.first.slice(0, shape.min)
      return musts.every(ends) && (shape.min <= musts.length || ends(shape.items))
    }
    if (shape.kind !== 'object') return true
    return shape.members.every((member) => !member.required || ends(member.shape))
  }
  // Each round finds at least one more that ends, or none is left that does.
  for (let before = -1; before < ending.size;) {
    before = ending.size
    for (const [name, shape] of [...named].toReversed()) if (ends(shape)) ending.add(name)
  }
  for (const name of named.keys())
    if (!ending.has(name)) throw new BadSchema(pathOf(name), 'No value that ends has this shape.')
  if (!ends(root)) throw new BadSchema([], 'No value that ends has this shape.')
  for (const [name, shape] of named)
    if (namesOf(shape, named).has(name)) throw new BadSchema(pathOf(name), 'It stands for itself.')
}

/** The names that a shape may stand for, without anything around them. */
function namesOf(shape: Shape, named: Shapes['named'], found = new Set<string>()): Set<string> {
  if (shape.kind === 'choice') for (const each of shape.of) namesOf(each, named, found)
  if (shape.kind !== 'ref' || found.has(shape.to)) return found
  found.add(shape.to)
  const next = named.get(shape.to)
  return next ? namesOf(next, named, found) : found
}

const pathOf = (pointer: string): string[] => pointer.split('/').slice(1)
