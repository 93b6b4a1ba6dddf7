import { createRoute, z } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import {
  DeletedFile,
  FileList,
  FileObject,
  FileQuery,
  MAX_FILE_BYTES,
  MAX_PROJECT_BYTES,
} from '../../proto/openai/files.ts'
import { streamOf } from '../files/stream-of.ts'
import { uploadIn } from '../files/upload.ts'
import { failures, router } from '../http.ts'
import type { ProjectId } from '../../proto/ids.ts'
import type { Files, Ports } from '../ports.ts'
import { json, pageOf, security } from './described.ts'

const params = z.object({ file_id: z.string().max(100) })
const tags = ['Files']
const refusals = failures('unauthenticated', 'forbidden', 'not_found', 'rate_limited')

const upload = createRoute({
  method: 'post',
  path: '/v1/files',
  tags,
  summary: `Upload a file of up to ${MAX_FILE_BYTES / 2 ** 20} MiB`,
  security,
  responses: {
    200: json('The file', FileObject),
    ...failures('invalid', 'too_large', 'unsupported_media', 'overloaded'),
    ...refusals,
  },
})

const list = createRoute({
  method: 'get',
  path: '/v1/files',
  tags,
  summary: 'The files of the project, page by page',
  security,
  request: { query: FileQuery },
  responses: { 200: json('One page of files', FileList), ...failures('invalid'), ...refusals },
})

const get = createRoute({
  method: 'get',
  path: '/v1/files/{file_id}',
  tags,
  summary: 'What a file says of itself',
  security,
  request: { params },
  responses: { 200: json('The file', FileObject), ...refusals },
})

const content = createRoute({
  method: 'get',
  path: '/v1/files/{file_id}/content',
  tags,
  summary: 'The bytes of a file',
  security,
  request: { params },
  responses: {
    200: {
      description: 'The bytes as they were uploaded',
      content: { 'application/octet-stream': { schema: z.string() } },
    },
    ...refusals,
  },
})

const remove = createRoute({
  method: 'delete',
  path: '/v1/files/{file_id}',
  tags,
  summary: 'Delete a file',
  security,
  request: { params },
  responses: { 200: json('It is deleted', DeletedFile), ...refusals },
})

/** Each passes through memory whole. */
const MAX_UPLOADS = 4

export function fileRoutes({ files }: Pick<Ports, 'files'>) {
  let uploads = 0
  return router()
    .openapi(upload, async (c) => {
      const { project } = c.get('key')
      if (uploads >= MAX_UPLOADS)
        throw new Failure(
          'overloaded',
          'Too many files are being uploaded. Try again in a moment.',
          {
            retryAfterMs: 2_000,
          },
        )
      uploads++
      try {
        return c.json(await keep(files, project, c.req.raw), 200, c.var.headers)
      } finally {
        uploads--
      }
    })
    .openapi(list, async (c) => {
      const query = c.req.valid('query')
      const found = await files.list(c.get('key').project, query)
      return c.json(pageOf(found, query.limit), 200, c.var.headers)
    })
    .openapi(get, async (c) => {
      const { file_id: id } = c.req.valid('param')
      return c.json(known(await files.find(c.get('key').project, id), id), 200, c.var.headers)
    })
    .openapi(content, async (c) => {
      const { file_id: id } = c.req.valid('param')
      const file = known(await files.find(c.get('key').project, id), id)
      // It is what somebody uploaded: a browser is to keep it, and not to show it as ours.
      return c.body(streamOf(files.read(file.id)), 200, {
        ...c.var.headers,
        'content-type': 'application/octet-stream',
        'content-length': String(file.bytes),
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      })
    })
    .openapi(remove, async (c) => {
      const { file_id: id } = c.req.valid('param')
      const file = known(await files.find(c.get('key').project, id), id)
      if (!(await files.remove(c.get('key').project, file.id)))
        throw new Failure(
          'invalid',
          `The file '${id}' is the input of a batch that is not over. Cancel that first.`,
          { param: 'file_id' },
        )
      const deleted = { id: file.id, object: 'file' as const, deleted: true as const }
      return c.json(deleted, 200, c.var.headers)
    })
}

async function keep(files: Files, project: ProjectId, request: Request): Promise<FileObject> {
  const { head, bytes } = await uploadIn(request)
  if ((await files.bytesOf(project)) + bytes.byteLength > MAX_PROJECT_BYTES)
    throw new Failure(
      'too_large',
      `The files of a project may have ${MAX_PROJECT_BYTES} bytes together. Delete some first.`,
      { param: 'file' },
    )
  return files.put(project, head, [bytes])
}

function known(file: FileObject | undefined, id: string): FileObject {
  if (file) return file
  throw new Failure('not_found', `There is no file '${id}' in this project.`, { param: 'file_id' })
}
