import { saidOthers } from '../../../../proto/schema/large.ts'
import type { Language } from '../../../../proto/schema/language.ts'
import type { Member, ObjectShape, Shape } from '../../../../proto/schema/shape.ts'
import { times } from './times.ts'

export interface MemberWriter {
  rule: (body: string) => string
  pair: (name: string | Language, value: Shape) => string
}

interface Pair extends Pick<Member, 'required'> {
  rule: string
}

/** The grammar of an object: its own members in their order, and then others. */
export function membersOf(shape: ObjectShape, writer: MemberWriter): string {
  const members = shape.members
    .filter((member) => member.shape.kind !== 'never')
    .map((member): Pair => ({ rule: writer.pair(member.name, member.shape), ...member }))
  // How much they may spend was asked when the schema was read.
  const others = saidOthers(shape, () => {}).map((each) => writer.pair(each.names, each.shape))
  const other = others.length === 0 ? undefined : writer.rule(others.join(' | '))
  const isCounted = shape.min > 0 || shape.max !== null
  const inside = isCounted ? counted(members, other, shape, writer) : free(members, other, writer)
  return `"{" ${inside} "}"`
}

/** Two rules a member: what may come from it on as the first, and what may come after others. */
function free(members: readonly Pair[], other: string | undefined, { rule }: MemberWriter): string {
  let first = other === undefined ? '' : rule(`( ${other} ( comma ${other} )* )?`)
  let later = other === undefined ? '' : rule(`( comma ${other} )*`)
  for (const { rule: pair, required } of members.toReversed()) {
    const begun = `${pair} ${later}`
    const skipped = first
    first = rule(required ? begun : skipped === '' ? `( ${begun} )?` : `${begun} | ${skipped}`)
    later = rule(`${required ? `comma ${pair}` : `( comma ${pair} )?`} ${later}`)
  }
  return first
}

/** A rule for each member and each number of members before it. */
function counted(
  members: readonly Pair[],
  other: string | undefined,
  { min, max }: Pick<ObjectShape, 'min' | 'max'>,
  { rule }: MemberWriter,
): string {
  const most = max ?? Math.max(min, 1)
  /** By the number of members so far; nothing where it cannot end well. */
  let rest = Array.from({ length: most + 1 }, (_, before) => ending(other, before, { min, max }))
  for (const { rule: pair, required } of members.toReversed()) {
    const next = rest
    rest = next.map((skipped, before) => {
      const isFull = max !== null && before === max
      const taken = isFull ? undefined : next[Math.min(before + 1, most)]
      const comma = before === 0 ? '' : 'comma '
      const ways = [
        ...(taken === undefined ? [] : [`${comma}${pair} ${taken}`]),
        ...(required || skipped === undefined ? [] : [skipped === '' ? '""' : skipped]),
      ]
      return ways.length === 0 ? undefined : rule(ways.join(' | '))
    })
  }
  const [whole] = rest
  if (whole === undefined) throw new Error('An object that cannot be was to be written.')
  return whole
}

function ending(
  other: string | undefined,
  before: number,
  { min, max }: Pick<ObjectShape, 'min' | 'max'>,
): string | undefined {
  const least = Math.max(0, min - before)
  const most = max === null ? null : max - before
  if (least === 0 && (other === undefined || most === 0)) return ''
  // A name that comes twice is one member: only one of them can be counted on.
  if (other === undefined || least > 1 || most === 0) return undefined
  if (before > 0) return `( comma ${other} )${times(least, most)}`
  const list = `${other} ( comma ${other} )${times(0, most === null ? null : most - 1)}`
  return least === 0 ? `( ${list} )?` : list
}
