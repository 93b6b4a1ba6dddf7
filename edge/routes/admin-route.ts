import type { z } from '@hono/zod-openapi'
import { failures } from '../http.ts'

/** What all routes of admins have in common, in the words of OpenAPI. */
export const told = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const asked = <S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { 'application/json': { schema } },
})

export const admin = { tags: ['Admin'], security: [{ key: [] }] }

export const refusals = failures('invalid', 'unauthenticated', 'forbidden', 'not_found')
