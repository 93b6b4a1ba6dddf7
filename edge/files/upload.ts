import { z } from 'zod'
import { Failure } from '../../proto/failure.ts'
import { MAX_FILE_BYTES, Purpose } from '../../proto/openai/files.ts'
import type { FileHead } from '../ports.ts'

const HOUR_SECONDS = 3_600
const MONTH_SECONDS = 30 * 24 * HOUR_SECONDS
const MAX_FILENAME = 255

const Fields = z.object({
  purpose: Purpose,
  anchor: z.literal('created_at').optional(),
  seconds: z.coerce.number().int().min(HOUR_SECONDS).max(MONTH_SECONDS).optional(),
})

export interface Upload {
  head: FileHead
  bytes: Uint8Array
}

/** What a form uploads: `file`, `purpose` and, where it is not for ever, `expires_after[seconds]`. */
export async function uploadIn(request: Request): Promise<Upload> {
  const form = await formOf(request)
  const file = form.get('file')
  if (!(file instanceof File))
    throw refused('file', 'it is required, as a part of the form with a file name')
  if (file.size === 0) throw refused('file', 'it is empty')
  if (file.size > MAX_FILE_BYTES)
    throw new Failure('too_large', `A file may have ${MAX_FILE_BYTES} bytes.`, { param: 'file' })
  const parsed = Fields.safeParse({
    purpose: form.get('purpose') ?? undefined,
    anchor: form.get('expires_after[anchor]') ?? undefined,
    seconds: form.get('expires_after[seconds]') ?? undefined,
  })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = String(issue?.path[0] ?? 'purpose')
    const param = field === 'purpose' ? field : `expires_after[${field}]`
    throw refused(param, issue?.message ?? 'it is not possible')
  }
  const { purpose, seconds } = parsed.data
  const expiresAtMs = seconds === undefined ? null : Date.now() + seconds * 1000
  return {
    head: { filename: nameOf(file), purpose, expiresAtMs },
    bytes: new Uint8Array(await file.arrayBuffer()),
  }
}

async function formOf(request: Request): Promise<FormData> {
  try {
    return await request.formData()
  } catch (cause) {
    // The guard before us speaks for itself.
    if (cause instanceof Failure) throw cause
    throw new Failure('invalid', 'The body is not a valid multipart form.', { cause })
  }
}

/** Shown in lists and terminals, and never a path. */
function nameOf({ name }: File): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const clean = last
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
    .slice(0, MAX_FILENAME)
    .toWellFormed()
  return clean || 'file'
}

const refused = (param: string, why: string): Failure =>
  new Failure('invalid', `Invalid '${param}': ${why}.`, { param })
