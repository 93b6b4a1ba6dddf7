import type { Calling, CallSyntax, Tool } from '../../../../proto/calling.ts'
import { ANY_OBJECT, object } from '../../../../proto/schema/make-shape.ts'
import { readSchema } from '../../../../proto/schema/read-schema.ts'
import { BadSchema, type Shapes } from '../../../../proto/schema/shape.ts'
import { quoted } from './gbnf.ts'

/** A model that is held to calls and may make several would not stop by itself. */
const MOST_CALLS = 16

const NO_ARGUMENTS: Shapes = { root: object([], [], 0, 0), named: new Map() }

/** GBNF of an answer that calls, in the syntax of its model. `write` makes rules of shapes and answers their name. */
export function callsOf(
  { tools, only, parallel }: Calling,
  syntax: CallSyntax,
  write: (shapes: Shapes) => string,
): string {
  const callable = tools.filter(({ name }) => only === undefined || name === only)
  const { before, key, after, opening, between, closing } = SYNTAX[syntax]
  const named = callable.map(
    (tool) => `${quoted(`${JSON.stringify(tool.name)}, "${key}": `)} ${write(argumentsOf(tool))}`,
  )
  const call = `${quoted(`${before}{"name": `)} ( ${named.join(' | ')} ) ${quoted(`}${after}`)}`
  const more =
    parallel && between !== null ? ` ( ${quoted(between)} ${call} ){0,${MOST_CALLS - 1}}` : ''
  return `${opening && quoted(opening)} ${call}${more} ${closing && quoted(closing)}`
}

interface Written {
  opening: string
  before: string
  /** What the arguments are called. */
  key: string
  after: string
  /** `null` where a model makes one call at a time. */
  between: string | null
  closing: string
}

const SYNTAX: Record<CallSyntax, Written> = {
  hermes: {
    opening: '',
    before: '<tool_call>\n',
    key: 'arguments',
    after: '\n</tool_call>',
    between: '\n',
    closing: '',
  },
  llama3: { opening: '', before: '', key: 'parameters', after: '', between: null, closing: '' },
  // Its mark stands at the end of the prompt.
  mistral: { opening: '[', before: '', key: 'arguments', after: '', between: ', ', closing: ']' },
}

/** Arguments are an object. A schema that cannot be held to is not held to: strict ones were refused when they came. */
function argumentsOf({ parameters }: Tool): Shapes {
  if (parameters === null) return NO_ARGUMENTS
  try {
    const shapes = readSchema(JSON.parse(parameters))
    return shapes.root.kind === 'object' ? shapes : ANY_OBJECT
  } catch (thrown) {
    if (thrown instanceof BadSchema) return ANY_OBJECT
    throw thrown
  }
}
