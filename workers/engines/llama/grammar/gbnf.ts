import { ALL_TEXTS, type Language } from '../../../../proto/schema/language.ts'
import type { ArrayShape, ObjectShape, Shape, Shapes } from '../../../../proto/schema/shape.ts'
import { integers } from './digits.ts'
import { rulesOf } from './language-rules.ts'
import { membersOf } from './members.ts'
import { times } from './times.ts'

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
export const gbnfOf = (shapes: Shapes): string => gbnfWith((write) => write(shapes))

/** A grammar of which some is JSON values: `root` has rules written for their shapes, and puts these where they belong. */
export function gbnfWith(root: (write: (shapes: Shapes) => string) => string): string {
  const writer = new RuleWriter()
  const top = root((shapes) => writer.whole(shapes))
  return `root ::= ${top}\n${writer.rules.join('\n')}${BASE}`
}

class RuleWriter {
  readonly rules: string[] = []
  readonly #names = new Map<string, string>()
  readonly #languages = new Map<Language, string>()
  /** What shapes call each other by is theirs alone. */
  #scope = 0

  whole({ root, named }: Shapes): string {
    this.#scope++
    const rule = this.of(root)
    for (const [name, shape] of named) this.define(name, shape)
    return rule
  }

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
      case 'decimal':
        return this.#language(shape.texts, 'digits')
      case 'string':
        return `"\\"" char${times(shape.min, shape.max)} "\\""`
      case 'text':
        return this.#text(shape.texts)
      case 'array':
        return this.#array(shape)
      case 'object':
        return this.#object(shape)
      case 'choice':
        return this.#rule(shape.of.map((each) => this.of(each)).join(' | '))
      case 'ref':
        return this.#name(shape.to)
      case 'never':
        throw new Error('A shape that no value has was to be written.')
    }
  }

  define(name: string, shape: Shape): void {
    this.rules.push(`${this.#name(name)} ::= ${this.of(shape)}`)
  }

  #text(texts: Language): string {
    return texts === ALL_TEXTS ? 'string' : `"\\"" ${this.#language(texts, 'string')}`
  }

  /** One set of rules for a language, however often it is used. */
  #language(language: Language, kind: 'string' | 'digits'): string {
    const known = this.#languages.get(language)
    if (known !== undefined) return known
    const name = `l${this.#languages.size}`
    this.#languages.set(language, name)
    this.rules.push(...rulesOf(name, language, kind))
    return name
  }

  #array({ first, items, min, max }: ArrayShape): string {
    if (max === 0) return '"[" "]"'
    if (first.length === 0) return `"[" ${this.#items(this.#rule(this.of(items)), min, max)} "]"`
    const rest = max === null ? null : Math.max(0, max - first.length)
    let after =
      rest === 0
        ? ''
        : `( comma ${this.#rule(this.of(items))} )${times(Math.max(0, min - first.length), rest)}`
    for (const [i, shape] of [...first.entries()].toReversed()) {
      const item = `${i === 0 ? '' : 'comma '}${this.#rule(this.of(shape))} ${after}`
      after = this.#rule(i < min ? item : `( ${item} )?`)
    }
    return `"[" ${after} "]"`
  }

  #items(item: string, min: number, max: number | null): string {
    const more = times(Math.max(0, min - 1), max === null ? null : max - 1)
    const list = max === 1 ? item : `${item} ( comma ${item} )${more}`
    return min === 0 ? `( ${list} )?` : list
  }

  #object(shape: ObjectShape): string {
    return membersOf(shape, {
      rule: (body) => this.#rule(body),
      pair: (name, value) =>
        this.#rule(
          `${typeof name === 'string' ? quoted(JSON.stringify(name)) : this.#text(name)} colon ${this.of(value)}`,
        ),
    })
  }

  #rule(body: string): string {
    const name = `r${this.rules.length}`
    this.rules.push(`${name} ::= ${body}`)
    return name
  }

  #name(ref: string): string {
    const own = `${this.#scope} ${ref}`
    const name = this.#names.get(own) ?? `d${this.#names.size}`
    this.#names.set(own, name)
    return name
  }
}

/** As GBNF's own string. What JSON escapes is escaped once more. */
export const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
