import type { Member, Shape, Shapes } from '../../../../proto/schema/shape.ts'
import { integers } from './digits.ts'

/**
 * JSON without line breaks, and with at most one space after a colon or a comma: models like to write it, and a model
 * that is left to it writes spaces for ever. A string has no \u escapes: two of them can be one character, or none.
 */
const BASE = `
value ::= map | array | string | number | "true" | "false" | "null"
map ::= "{" ( string colon value ( comma string colon value )* )? "}"
array ::= "[" ( value ( comma value )* )? "]"
string ::= "\\"" char* "\\""
char ::= [^"\\\\\\x00-\\x1F\\x7F] | "\\\\" ["\\\\bfnrt]
number ::= "-"? ( "0" | [1-9] [0-9]{0,15} ) ( "." [0-9]{1,15} )? ( [eE] [-+]? [0-9]{1,2} )?
colon ::= ":" " "?
comma ::= "," " "?
`

/** A grammar, as llama.cpp reads it, of the JSON values that have a shape. */
export function gbnfOf(shapes: Shapes): string {
  const writer = new RuleWriter()
  const root = writer.of(shapes.root)
  for (const [name, shape] of shapes.named) writer.define(name, shape)
  return `root ::= ${root}\n${writer.rules.join('\n')}${BASE}`
}

class RuleWriter {
  readonly rules: string[] = []
  readonly #names = new Map<string, string>()

  of(shape: Shape): string {
    switch (shape.kind) {
      case 'any':
        return 'value'
      case 'number':
        return 'number'
      case 'boolean':
        return '( "true" | "false" )'
      case 'null':
        return '"null"'
      case 'literal':
        return quoted(shape.json)
      case 'integer':
        return integers(shape.min, shape.max)
      case 'string':
        return `"\\"" char${times(shape.min, shape.max)} "\\""`
      case 'array':
        return this.#array(shape)
      case 'object':
        return this.#object(shape.members)
      case 'map':
        return this.#map(shape.values)
      case 'choice':
        return this.#rule(shape.of.map((each) => this.of(each)).join(' | '))
      case 'ref':
        return this.#name(shape.to)
    }
  }

  define(name: string, shape: Shape): void {
    this.rules.push(`${this.#name(name)} ::= ${this.of(shape)}`)
  }

  #array({ items, min, max }: Extract<Shape, { kind: 'array' }>): string {
    if (max === 0) return '"[" "]"'
    const item = this.#rule(this.of(items))
    const more = times(Math.max(0, min - 1), max === null ? null : max - 1)
    const list = max === 1 ? item : `${item} ( comma ${item} )${more}`
    return min === 0 ? `"[" ( ${list} )? "]"` : `"[" ${list} "]"`
  }

  #map(values: Shape): string {
    const member = this.#rule(`string colon ${this.of(values)}`)
    return `"{" ( ${member} ( comma ${member} )* )? "}"`
  }

  /** Two rules a member: what may come from it on as the first, and what may come after others. */
  #object(members: readonly Member[]): string {
    let first = ''
    let later = ''
    for (const { name, shape, required } of members.toReversed()) {
      const pair = this.#rule(`${quoted(JSON.stringify(name))} colon ${this.of(shape)}`)
      const begun = `${pair} ${later}`
      const [skipped, mayEnd] = [first, first === '']
      first = required ? this.#rule(begun) : this.#rule(mayEnd ? begun : `${begun} | ${skipped}`)
      if (!required && mayEnd) first = this.#rule(`( ${first} )?`)
      later = this.#rule(`${required ? `comma ${pair}` : `( comma ${pair} )?`} ${later}`)
    }
    return `"{" ${first} "}"`
  }

  #rule(body: string): string {
    const name = `r${this.rules.length}`
    this.rules.push(`${name} ::= ${body}`)
    return name
  }

  #name(ref: string): string {
    const name = this.#names.get(ref) ?? `d${this.#names.size}`
    this.#names.set(ref, name)
    return name
  }
}

/** As GBNF's own string. What JSON escapes is escaped once more. */
const quoted = (json: string): string => `"${json.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

const times = (min: number, max: number | null): string =>
  min === 0 && max === null ? '*' : `{${min},${max ?? ''}}`
