import { TOO_LARGE } from './rules.ts'
import { BadSchema, type ObjectShape, type Others, type Shape, type Shapes } from './shape.ts'
import { isEmpty, subtract, textsOf, type Language, type Spend } from './language.ts'

/** What a shape comes to: parts of a grammar, and edges of automata, each of which is a part too. */
const MAX_PARTS = 8192
const MAX_EDGES = 24_000
/** Members times how many of them there may be. */
const MAX_COUNTED_MEMBERS = 4096

/** Refuses shapes whose grammar would be large: it is looked through with every token of an answer. */
export function refuseLarge(shapes: Shapes, spend: Spend): void {
  const languages = new Set<Language>()
  let parts = 0
  const look = (shape: Shape): void => {
    parts++
    if (parts > MAX_PARTS) throw new BadSchema([], TOO_LARGE)
    if (shape.kind === 'text' || shape.kind === 'decimal') languages.add(shape.texts)
    if (shape.kind === 'object') {
      const counted = Math.max(shape.min, shape.max ?? 0)
      if (counted * shape.members.length > MAX_COUNTED_MEMBERS) throw new BadSchema([], TOO_LARGE)
      const said = saidOthers(shape, spend)
      for (const { names } of said) languages.add(names)
      refuseUncountable(shape, said.length > 0 ? 1 : 0)
    }
    for (const inner of insideOf(shape)) look(inner)
  }
  look(shapes.root)
  for (const shape of shapes.named.values()) look(shape)
  let edges = 0
  for (const { states } of languages) for (const state of states) edges += state.edges.length + 1
  if (edges > MAX_EDGES) throw new BadSchema([], TOO_LARGE)
}

/** The members of other names that an object is written with, by the names that are left to them. */
export function saidOthers(shape: ObjectShape, spend: Spend): Others[] {
  const names = shape.members.map(({ name }) => name)
  const said = shape.others.filter((each) => isSaid(each, shape))
  if (said.length === 0 || names.length === 0) return said
  const taken = textsOf(names, spend)
  return said
    .map((each) => ({ ...each, names: subtract(each.names, taken, spend) }))
    .filter((each) => !isEmpty(each.names))
}

const isSaid = ({ asked }: Others, { members }: ObjectShape): boolean =>
  asked || members.length === 0

/** A name may be written twice and is one member then: of other names, one is all that can be counted on. */
function refuseUncountable({ members, min }: ObjectShape, others: number): void {
  const possible = members.filter(({ shape }) => shape.kind !== 'never').length
  if (min > possible + others)
    throw new BadSchema([], `An object of ${min} members must name them: say more in properties.`)
}

/** The shapes that are written within one. */
export function insideOf(shape: Shape): readonly Shape[] {
  if (shape.kind === 'array') return [...shape.first, shape.items]
  if (shape.kind === 'object')
    return [...shape.members, ...shape.others.filter((each) => isSaid(each, shape))].map(
      (each) => each.shape,
    )
  return shape.kind === 'choice' ? shape.of : []
}
