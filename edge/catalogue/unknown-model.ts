import { Failure } from '../../proto/failure.ts'

export const unknownModel = (model: string): Failure =>
  new Failure(
    'model_not_found',
    `The model '${model.slice(0, 100)}' does not exist here. GET /v1/models lists those that do.`,
    { param: 'model' },
  )
