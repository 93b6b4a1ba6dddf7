import { Failure } from '../../proto/failure.ts'
import { matchesModel } from '../../proto/scopes.ts'
import type { Key } from '../ports.ts'

export const mayUse = ({ models }: Pick<Key, 'models'>, model: string): boolean =>
  models === null || models.some((pattern) => matchesModel(pattern, model))

/** Refuses a model that the key was not given, whether or not there is one of that name. */
export function requireModel(key: Pick<Key, 'models'>, model: string): void {
  if (mayUse(key, model)) return
  throw new Failure(
    'model_forbidden',
    `This key does not have access to the model '${model.slice(0, 100)}'. GET /v1/models lists those it may use.`,
    { param: 'model' },
  )
}
