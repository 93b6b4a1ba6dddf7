import { Failure } from '../../proto/failure.ts'

/** What `x-stream-resume` may say. */
export function wantsResume(header: string | undefined): boolean {
  if (header === undefined || header === '0') return false
  if (header === '1') return true
  throw new Failure('invalid', 'x-stream-resume must be 1, or not be there.', {
    param: 'x-stream-resume',
  })
}
