import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import type { InputItem, ItemResource } from '../../proto/openai/response-items.ts'
import type { ResponseRequest } from '../../proto/openai/responses.ts'

/** The input of a request as items with an id each. One that is only referred to is among `referred`, or the request refused. */
export function itemsOf(
  { input }: Pick<ResponseRequest, 'input'>,
  job: JobId,
  referred: ReadonlyMap<string, ItemResource>,
): ItemResource[] {
  if (typeof input === 'string') return [userMessage(`msg_${suffixOf(job)}_i0`, input)]
  return input.map((item, i) => {
    if (item.type !== 'item_reference') return itemOf(item, `${suffixOf(job)}_i${i}`)
    const found = referred.get(item.id)
    if (found) return found
    throw new Failure('invalid', `Item with id '${item.id.slice(0, 200)}' not found.`, {
      param: `input[${i}].id`,
    })
  })
}

const suffixOf = (job: JobId): string => job.slice('job_'.length)

/** Where an item that we made or were given lies: in the input or the output of which job, and its number there. */
export function placeOf(
  id: string,
): { job: string; of: 'input' | 'output'; at: number } | undefined {
  const [, uuid, of, at] = /^[a-z]{2,4}_([0-9a-f-]{36})_(i?)(\d{1,5})$/.exec(id) ?? []
  if (uuid === undefined) return undefined
  return { job: `job_${uuid}`, of: of === 'i' ? 'input' : 'output', at: Number(at) }
}

const PREFIX = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
} as const

function itemOf(
  item: Exclude<InputItem, { type: 'item_reference' }>,
  suffix: string,
): ItemResource {
  const id = item.id ?? `${PREFIX[item.type]}_${suffix}`
  const status = item.status ?? 'completed'
  switch (item.type) {
    case 'message':
      if (item.role !== 'assistant')
        return { ...userMessage(id, textOf(item.content)), role: item.role, status }
      return {
        id,
        type: 'message',
        role: 'assistant',
        status,
        content: [
          { type: 'output_text', text: textOf(item.content), annotations: [], logprobs: [] },
        ],
      }
    case 'function_call': {
      const { type, call_id, name } = item
      return { id, type, status, call_id, name, arguments: item.arguments }
    }
    case 'function_call_output':
      return { id, type: item.type, status, call_id: item.call_id, output: textOf(item.output) }
    case 'reasoning':
      return { id, type: item.type, status, summary: item.summary, content: item.content ?? [] }
  }
}

type UserMessage = Extract<ItemResource, { role: 'user' | 'system' | 'developer' }>

const userMessage = (id: string, text: string): UserMessage => ({
  id,
  type: 'message',
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text }],
})

type Content = Extract<InputItem, { type: 'message' }>['content']

const textOf = (content: Content): string =>
  typeof content === 'string'
    ? content
    : content.map((part) => part.text ?? part.refusal ?? '').join('')
