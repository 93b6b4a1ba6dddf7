import { areApart, isLarge, sortOf } from './apart.ts'
import {
  digitsOfShape,
  isNumber,
  ofDecimals,
  ofTexts,
  textsOfShape,
  type Workshop,
} from './both.ts'
import { holdsScalar, scalarOf } from './holds-value.ts'
import { plain } from './decimals.ts'
import { explore, subtract, textsOf, type Edge, type Language, type Spend } from './language.ts'
import { choice, EVERYTHING, NEVER } from './make-shape.ts'
import { BadSchema, type Shape } from './shape.ts'

/** The values of one shape that do not have the other. Throws a `BadSchema` at `path` where no shape is that. */
export function without(a: Shape, b: Shape, shop: Workshop, path: readonly string[]): Shape {
  const resolved = headOf(a, shop, new Set())
  const from = resolved.kind === 'any' ? EVERYTHING : partsOf(resolved, shop)
  const parts = joined(partsOf(b, shop), shop)
  return choice(
    from.map((each) => parts.reduce((left, part) => less(left, part, shop, path), each)),
  )
}

function headOf(shape: Shape, shop: Workshop, met: Set<string>): Shape {
  if (shape.kind !== 'ref') return shape
  if (met.has(shape.to)) throw new BadSchema(shape.to.split('/').slice(1), 'It stands for itself.')
  met.add(shape.to)
  return headOf(shop.resolve(shape.to), shop, met)
}

/** `met`: the names on the way to it. */
function partsOf(shape: Shape, shop: Workshop, met: ReadonlySet<string> = new Set()): Shape[] {
  shop.spend(1 + met.size)
  const names = new Set(met)
  const head = headOf(shape, shop, names)
  return head.kind === 'choice' ? head.of.flatMap((each) => partsOf(each, shop, names)) : [head]
}

/** Listed strings go all at once: one after the other each would cost what all of them do. */
function joined(parts: readonly Shape[], { spend }: Workshop): readonly Shape[] {
  const listed: string[] = []
  const others = parts.filter((part) => {
    const value = part.kind === 'literal' ? scalarOf(part) : undefined
    if (typeof value === 'string') listed.push(value)
    return typeof value !== 'string'
  })
  return listed.length === 0 ? others : [...others, { kind: 'text', texts: textsOf(listed, spend) }]
}

function less(a: Shape, b: Shape, shop: Workshop, path: readonly string[]): Shape {
  if (a.kind === 'choice') return choice(a.of.map((each) => less(each, b, shop, path)))
  if (b.kind === 'any') return NEVER
  if (a.kind === 'never' || b.kind === 'never' || sortOf(a) !== sortOf(b)) return a
  if (b.loose) throw unclear(path)
  if (a.kind === 'literal') {
    const isHeld = holdsScalar(b, scalarOf(a), shop.spend)
    if (isHeld === undefined) throw unclear(path)
    return isHeld ? NEVER : a
  }
  if (a.kind === 'boolean' && b.kind === 'literal')
    return { kind: 'literal', json: b.json === 'true' ? 'false' : 'true' }
  const { spend } = shop
  if (isNumber(a)) {
    const taken = digitsTaken(b, shop)
    // Whole numbers with more digits than decimals have would stay behind.
    if (!taken || isLarge(a)) throw unclear(path)
    return ofDecimals(subtract(digitsOfShape(a, spend), taken, spend))
  }
  const texts = textsOfShape(a, spend)
  const taken =
    b.kind === 'literal' ? textsOf([String(scalarOf(b))], spend) : textsOfShape(b, spend)
  if (texts && taken) {
    const left = ofTexts(subtract(texts, taken, spend))
    return a.loose ? { ...left, loose: true } : left
  }
  if (isAll(b)) return NEVER
  if (areApart(a, b, shop)) return a
  throw unclear(path)
}

/** All texts of the numbers that go: 3 goes as 3.0 too. */
function digitsTaken(shape: Shape, { spend }: Workshop): Language | undefined {
  if (isNumber(shape)) return withZeros(digitsOfShape(shape, spend), spend)
  if (shape.kind !== 'literal') return undefined
  const value = scalarOf(shape)
  const text = typeof value === 'number' ? plain(value === 0 ? 0 : value) : undefined
  if (text === undefined || text.length > 16) return undefined
  const zeros = Array.from({ length: 16 }, (_, i) => '0'.repeat(i))
  return textsOf(
    text.includes('.')
      ? zeros.map((more) => text + more)
      : [text, ...zeros.slice(1).map((more) => `${text}.${more}`)],
    spend,
  )
}

/** Of a language of whole numbers: also as they are written with a fraction of zeros. */
function withZeros(whole: Language, spend: Spend): Language {
  const { states } = whole
  if (states.some(({ edges }) => edges.some(([from, to]) => from <= POINT && POINT <= to)))
    return whole
  const [point, zero] = [states.length, states.length + 1]
  const edgesOf = (at: number): readonly Edge[] =>
    at >= point
      ? [[ZERO, ZERO, zero]]
      : [
          ...(states[at]?.edges ?? []),
          ...(states[at]?.accepts ? [[POINT, POINT, point] as const] : []),
        ]
  const accepts = (at: number): boolean => at === zero || (states[at]?.accepts ?? false)
  return explore(0, { keyOf: String, edgesOf, accepts }, spend)
}

const [POINT, ZERO] = [0x2e, 0x30]

/** Whether every value of its sort has it. */
function isAll(shape: Shape): boolean {
  if (shape.kind === 'null' || shape.kind === 'boolean') return true
  if (shape.kind === 'literal') return shape.json === 'null'
  if (shape.kind === 'array')
    return (
      shape.first.length === 0 &&
      shape.items.kind === 'any' &&
      shape.min === 0 &&
      shape.max === null
    )
  if (shape.kind !== 'object') return false
  const [only] = shape.others
  return (
    shape.members.length === 0 &&
    shape.others.length === 1 &&
    only?.shape.kind === 'any' &&
    isEverything(only.names) &&
    shape.min === 0 &&
    shape.max === null
  )
}

const isEverything = ({ states }: Language): boolean =>
  states.length === 1 && (states[0]?.accepts ?? false)

const unclear = (path: readonly string[]): BadSchema =>
  new BadSchema(
    path,
    'It is supported of types, strings, numbers and listed values, and not of what is inside lists and objects.',
  )
