import { z } from 'zod'
import { MAX_USER_CHARS } from './job.ts'

/** Whom an app asks for, in its own words. What a database cannot keep would keep the request from being counted. */
export const EndUserName = z
  .string()
  .max(MAX_USER_CHARS)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'It has no control characters and no halves of surrogate pairs.')
