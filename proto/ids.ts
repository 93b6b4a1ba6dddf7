import { z } from 'zod'
import { randomBytes } from './random.ts'

/** A prefix, so that a log line says what an id names, and a UUIDv7, so that an index grows at its right edge. */
const id = <P extends string>(prefix: P) =>
  z
    .templateLiteral([prefix, '_', z.uuidv7()], {
      error: `It is no id of this kind: "${prefix}_…".`,
    })
    .brand<P>()

export const JobId = id('job')
export type JobId = z.infer<typeof JobId>

export const KeyId = id('key')
export type KeyId = z.infer<typeof KeyId>

export const OrganisationId = id('org')
export type OrganisationId = z.infer<typeof OrganisationId>

/** Who pays, who is served fairly beside others, and who may read an answer: everything is a project's. */
export const ProjectId = id('proj')
export type ProjectId = z.infer<typeof ProjectId>

/** One act of an admin, in the order of time. */
export const AuditId = id('audit')
export type AuditId = z.infer<typeof AuditId>

/** Who signs the tokens of an app's end users. */
export const IssuerId = id('iss')
export type IssuerId = z.infer<typeof IssuerId>

export const BudgetId = id('budget')
export type BudgetId = z.infer<typeof BudgetId>

/** A name that is one token of a NATS subject and the user name of a connection, so the server proves it. */
const node = <B extends string>(brand: B) =>
  z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, `A ${brand} id is 1-48 of a-z, 0-9 and "-".`)
    .brand<B>()

export const WorkerId = node('worker')
export type WorkerId = z.infer<typeof WorkerId>

/** What a gateway is called: room is left for the nonce that makes it a `GatewayId`. */
export const GatewayName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,38}$/, 'A gateway name is 1-39 of a-z, 0-9 and "-".')
  .brand<'gateway name'>()
export type GatewayName = z.infer<typeof GatewayName>

/** One life of a gateway process: `<name>-<boot nonce>`. A gateway that starts again is another gateway. */
export const GatewayId = node('gateway')
export type GatewayId = z.infer<typeof GatewayId>

/** As OpenAI's are: `file-…`. */
export const FileId = z.templateLiteral(['file-', z.uuidv7()]).brand<'file'>()
export type FileId = z.infer<typeof FileId>

export const BatchId = id('batch')
export type BatchId = z.infer<typeof BatchId>

export const newFileId = (): FileId => `file-${uuidv7()}` as FileId
export const newBatchId = (): BatchId => `batch_${uuidv7()}` as BatchId
export const newJobId = (): JobId => `job_${uuidv7()}` as JobId
export const newKeyId = (): KeyId => `key_${uuidv7()}` as KeyId
export const newOrganisationId = (): OrganisationId => `org_${uuidv7()}` as OrganisationId
export const newProjectId = (): ProjectId => `proj_${uuidv7()}` as ProjectId
export const newAuditId = (): AuditId => `audit_${uuidv7()}` as AuditId
export const newIssuerId = (): IssuerId => `iss_${uuidv7()}` as IssuerId

export const newBudgetId = (): BudgetId => `budget_${uuidv7()}` as BudgetId

/** Eight characters that tell one boot of a process from the next. */
export const newNonce = (): string => hex(randomBytes(4))

/** A gateway that starts now. */
export const newGatewayId = (name: GatewayName): GatewayId =>
  GatewayId.parse(`${name}-${newNonce()}`)

/** A request, as its answer and our log name it. */
export const newRequestId = (): string => `req_${hex(randomBytes(16))}`

/** 128 random bits as hex: the secret of one claim or of one NATS user. */
export const newSecret = (): string => hex(randomBytes(16))

function uuidv7(now = Date.now()): string {
  const bytes = randomBytes(16)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  view.setUint32(0, now / 2 ** 16)
  view.setUint16(4, now % 2 ** 16)
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70)
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80)
  const digits = hex(bytes)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`
}

function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
