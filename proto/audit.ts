import { z } from 'zod'

export const AuditAction = z.enum([
  'organisation.create',
  'organisation.update',
  'organisation.archive',
  'project.create',
  'project.update',
  'project.archive',
  'key.create',
  'key.update',
  'key.rotate',
  'key.revoke',
  'limits.set',
  'limits.remove',
  'issuer.create',
  'issuer.update',
  'issuer.remove',
])
export type AuditAction = z.infer<typeof AuditAction>
