import type {
  CreatedKey,
  KeyPatch,
  KeyQuery,
  KeyScope,
  KeyView,
  NewKey,
  Reach,
  Rotation,
} from '../proto/admin.ts'
import type { AuditEntry, AuditQuery } from '../proto/audit.ts'
import type { Cidr } from '../proto/cidr.ts'
import type { NewClientToken } from '../proto/client-token.ts'
import type { BudgetView, NewBudget } from '../proto/budget.ts'
import type { Dialect } from '../proto/calling.ts'
import type { Job } from '../proto/job.ts'
import type {
  BatchId,
  IssuerId,
  BudgetId,
  FileId,
  JobId,
  KeyId,
  OrganisationId,
  ProjectId,
} from '../proto/ids.ts'
import type { QueueList } from '../proto/queues.ts'
import type { IssuerQuery, IssuerView, NewIssuer } from '../proto/issuers.ts'
import type { Limits } from '../proto/limits.ts'
import type { Nanos } from '../proto/money.ts'
import type { NewPrice, PriceView } from '../proto/price.ts'
import type { RouteFamily } from '../proto/scopes.ts'
import type { FailureBody } from '../proto/failure.ts'
import type { ResponseCache } from '../proto/response-cache.ts'
import type { BatchObject, NewBatch } from '../proto/openai/batches.ts'
import type { FileObject, FileQuery } from '../proto/openai/files.ts'
import type { AnswerHead } from '../proto/stored-answer.ts'
import type { UsageRow } from '../proto/usage.ts'
import type { RowsAsk, UsageAsk, UsageSum } from '../proto/usage-report.ts'
import type { StoredResponse } from '../proto/stored-response.ts'
import type {
  ModelLimits,
  NewOrganisation,
  NewProject,
  OrganisationPatch,
  OrganisationView,
  ProjectPatch,
  ProjectQuery,
  ProjectView,
} from '../proto/organisations.ts'
import type { Page, Paging } from '../proto/paging.ts'

/** The whole world of the gateway. `node/` and `workerd/` each answer it; tests answer it with a few lines. */
export interface Ports {
  answers: Answers
  responses: Responses
  catalogue: Catalogue
  keys: Keys
  money: MoneyAdmin
  tenancy: Tenancy
  clientTokens: ClientTokens
  vault: Vault
  limiter: Limiter
  usage: UsageBook
  files: Files
  batches: Batches
  health: Health
  lineup: Lineup
  log: Log
  /** The page that people meet, as HTML. */
  page: string
  /** The script that shows the API to people, where this installation has it. */
  docsScript(): Promise<string | undefined>
}

export interface Answers {
  /**
   * Admits a job and listens for its answer. Resolves once the job is stored, or waits for its turn where it may end with this
   * gateway; throws a `Failure` if it can do neither.
   */
  ask(job: Job, options: AskOptions): Promise<Answer>
  /**
   * The same, once for each key: asked again, here or at another gateway, it answers with the one job there is, which may
   * run or be over. Throws `key_reused` where the body is another.
   */
  askOnce(job: Job, key: OnceKey, options: AskOptions): Promise<Resumed>
  /** The answer of an earlier job to the same question, recorded as this job's. Nothing where there is none to be given. */
  recall(job: Job): Promise<Answer | undefined>
  /**
   * The rest of an answer that was asked for before; all of it where it has marks, which are read from the beginning.
   * Throws `not_found` for what is not there, or not this tenant's.
   */
  resume(id: JobId, options: ResumeOptions): Promise<Resumed>
  /** Ends an answer for everybody. Throws as `resume` does. */
  cancel(id: JobId, tenant: string): Promise<void>
  /** A name for the jobs of this gateway, which claims are sent to. */
  gateway(): Promise<Job['gateway']>
}

/** What was asked of stored responses, and what became of them, for as long as they are kept. */
export interface Responses {
  /** Resolves once it is on disk: only then may anybody be shown its id. */
  put(asked: StoredResponse): Promise<void>
  /** Nothing for what never was, is deleted or too old, or is another project's. */
  look(id: JobId, tenant: string): Promise<Looked | undefined>
  /** Both what was asked and what was answered. */
  remove(id: JobId): Promise<void>
}

export interface Looked {
  asked: StoredResponse
  fate: Fate
}

/** What became of a response. `failure` says why it ended otherwise than well; its frames are what there was by then. */
export type Fate =
  | { state: 'queued' }
  | { state: 'in_progress' }
  | {
      state: 'over'
      frames: readonly Uint8Array[]
      /** How they are to be read. */
      reading: AnswerHead['reading']
      failure: FailureBody | null
    }

/** A request that must not be carried out twice. Both are hashes. */
export interface OnceKey {
  /** Of tenant, route and key: the key itself is nowhere at rest. */
  hash: string
  /** Of the body. */
  fingerprint: string
}

export interface ResumeOptions {
  tenant: string
  /** Tokens (or blocks) of the answer that the reader has. */
  after: number
  /** Aborted when the reader leaves. */
  signal: AbortSignal
}

export interface Resumed {
  head: AnswerHead
  answer: Answer
  /** It was finished before it was asked for. */
  stored: boolean
}

export interface AskOptions {
  /** Aborted when the reader leaves: the job is cancelled and its slot is free after at most one step. */
  signal: AbortSignal
  /** The limiter waits for its end. */
  limited?: boolean
  /** The blocks of a duplex job. */
  input?: AsyncIterable<Uint8Array>
}

/**
 * Accepted frames in order, as encoded by `proto/frame.ts`, in batches that came together. The last one is `end`; a
 * job that fails throws its `Failure`. Iterated once: ending the loop early cancels the job and frees its slot.
 */
export type Answer = AsyncIterable<readonly Uint8Array[]> & {
  /** What it has to wait for; absent where it began at once, or waited before. */
  readonly queued?: Queued
}

/** A place in the queue, as it was when the job came. */
export interface Queued {
  /** Jobs ahead, in fair order. */
  position: number
  /** Until a worker takes it, by what was measured; nothing where nothing was. */
  etaMs: number | undefined
}

/** A model that at least one worker has told of. */
export interface Served {
  id: string
  kind: Job['kind']
  createdAtMs: number
  /** Prompt and answer together; 0 where there is no limit. */
  contextTokens: number
  /** How its answers tell calls and thoughts; absent where they tell neither. */
  dialect?: Dialect | undefined
  fingerprint?: string | undefined
}

export interface Catalogue {
  find(model: string): Promise<Served | undefined>
  list(): Promise<readonly Served[]>
}

/** A key as the gateway needs it on every request. */
export interface Key {
  id: KeyId
  organisation: OrganisationId
  project: ProjectId
  scope: KeyScope
  /** What an admin may manage; of a developer it is nothing. */
  reach: Reach | null
  /** `null` is all of them, in each of these. */
  routes: readonly RouteFamily[] | null
  models: readonly string[] | null
  cidrs: readonly Cidr[] | null
  /** Milliseconds since 1970, to be held against the clock at each request; `null` is never. */
  expiresAtMs: number | null
  /** Whom a token speaks for. Its jobs are counted to this user. */
  user: { id: string; requestsPerMinute: number | null } | null
  /** It was opened by a token, not by a secret of its own. */
  minted: boolean
  limits: KeyLimits
  /** Of its project; absent is none. */
  cache?: ResponseCache
}

/** Whichever of these is used up first. */
export interface KeyLimits {
  key: Limits
  /** Of all keys of the project together. */
  project: Limits
  /** Of all keys of the project together, by model. */
  models: Readonly<Record<string, Limits>>
}

/** Keeps secrets that a gateway must be able to read. */
export interface Vault {
  seal(secret: string): Promise<string>
  /** Throws where it was sealed with another key. */
  open(sealed: string): Promise<string>
}

/** What browsers show instead of a key. */
export interface ClientTokens {
  /** The token itself, which nobody sees again. */
  create(key: KeyId, wanted: NewClientToken, expiresAt: Date): Promise<string>
}

export interface Keys {
  /** The key behind a secret, or nothing. Throws `unavailable` when it cannot know. */
  find(secret: string): Promise<Key | undefined>
}

/** What somebody may manage: `null` is all of them. */
export interface Domain {
  organisation: OrganisationId | null
  project: ProjectId | null
}

/** An admin and the request in which it acts. */
export interface Actor {
  key: KeyId
  domain: Domain
  /** Where what it makes belongs if it does not say. */
  home: { organisation: OrganisationId; project: ProjectId }
  requestId: string
  /** The client's, where it is known. */
  address: string | null
}

/**
 * What an admin does. Each change is written to the audit log in one transaction with itself, and reaches every gateway
 * within a second. What lies outside the actor's domain throws `not_found`; what its reach does not cover, `forbidden`.
 */
export interface Tenancy {
  listOrganisations(actor: Actor, which: Paging): Promise<Page<OrganisationView>>
  readOrganisation(actor: Actor, id: OrganisationId): Promise<OrganisationView>
  createOrganisation(actor: Actor, wanted: NewOrganisation): Promise<OrganisationView>
  updateOrganisation(
    actor: Actor,
    change: [OrganisationId, OrganisationPatch],
  ): Promise<OrganisationView>
  listProjects(actor: Actor, which: ProjectQuery): Promise<Page<ProjectView>>
  readProject(actor: Actor, id: ProjectId): Promise<ProjectView>
  createProject(actor: Actor, wanted: NewProject): Promise<ProjectView>
  updateProject(actor: Actor, change: [ProjectId, ProjectPatch]): Promise<ProjectView>
  setModelLimits(actor: Actor, change: [ProjectId, string, ModelLimits]): Promise<ProjectView>
  removeModelLimits(actor: Actor, change: [ProjectId, string]): Promise<ProjectView>
  listKeys(actor: Actor, which: KeyQuery): Promise<Page<KeyView>>
  readKey(actor: Actor, id: KeyId): Promise<KeyView>
  createKey(actor: Actor, wanted: NewKey): Promise<CreatedKey>
  updateKey(actor: Actor, change: [KeyId, KeyPatch]): Promise<KeyView>
  rotateKey(actor: Actor, change: [KeyId, Rotation]): Promise<CreatedKey>
  revokeKey(actor: Actor, id: KeyId): Promise<KeyView>
  listIssuers(actor: Actor, which: IssuerQuery): Promise<Page<IssuerView>>
  /** Its secret, if it has one, is sealed. */
  createIssuer(actor: Actor, wanted: NewIssuer): Promise<IssuerView>
  removeIssuer(actor: Actor, id: IssuerId): Promise<IssuerView>
  listAudit(actor: Actor, which: AuditQuery): Promise<Page<AuditEntry>>
}

/** What an admin does with prices and budgets. Every change reaches every gateway within a second. */
export interface MoneyAdmin {
  listPrices(): Promise<PriceView[]>
  /** Nothing where the price was to be of the past. */
  setPrice(actor: Actor, price: NewPrice): Promise<PriceView | undefined>
  listBudgets(): Promise<BudgetView[]>
  createBudget(actor: Actor, budget: NewBudget): Promise<BudgetView | undefined>
  setCap(actor: Actor, id: BudgetId, cap: Nanos): Promise<BudgetView | undefined>
  removeBudget(actor: Actor, id: BudgetId): Promise<BudgetView | undefined>
}

export type Meter = 'requests' | 'tokens' | 'streams' | 'audio'
export type Scope = 'user' | 'key' | 'project' | 'model'

/** So many a minute, and in one burst; of `streams`, so many at the same time. */
export interface Bucket {
  id: string
  scope: Scope
  meter: Meter
  limit: number
}

/** How much of each; a meter that is not named is not touched, one that costs 0 is only looked at. */
export type Cost = Partial<Record<Meter, number>>

/** What is to be taken from several buckets of one project, from all of them or from none. Plain data. */
export interface Ask {
  project: string
  buckets: readonly Bucket[]
  cost: Cost
  /** Whose end settles it: until then its streams count, and its tokens are an estimate. */
  job?: { id: JobId; promptTokens: number }
}

/** What is left of the bucket that is nearest to empty. */
export interface Reading {
  limit: number
  remaining: number
  /** Until the full limit is there again. */
  resetMs: number
}

export interface Verdict {
  requests?: Reading
  tokens?: Reading
  /** Nothing was taken. `retryMs` is until the same may pass. */
  refusal?: { bucket: Bucket; retryMs: number }
}

/** What a job used in the end. Nobody knows the tokens of a prompt that nobody finished to answer: `null`. */
export interface Used {
  promptTokens: number | null
  completionTokens: number
  audioSeconds?: number
}

export interface Limiter {
  /** From memory where that is enough, so it often is no promise. */
  take(ask: Ask): Verdict | Promise<Verdict>
  /** Puts back what was taken for no job. */
  refund(ask: Ask): void
  /** A job is over, or no longer ours: then nobody knows what it used. Said twice, it counts once. */
  end(job: JobId, project: string, used: Used | undefined): void
}

/** What was used, as far as it has been written down. */
export interface UsageBook {
  /** Added up by bucket and group, in order of the buckets: up to one more than `MAX_RESULTS`. */
  sums(ask: UsageAsk): Promise<readonly UsageSum[]>
  /** Job by job, in the order of admission. */
  rows(ask: RowsAsk): Promise<UsageRow[]>
}

/** Bytes in pieces, as they come or all at once. */
export type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** What a project uploaded, and what was made for it. */
export interface Files {
  /** All of it or nothing: a file is there once its last byte is. */
  put(project: ProjectId, head: FileHead, bytes: Pieces): Promise<FileObject>
  /** Nothing for another project's. */
  find(project: ProjectId, id: string): Promise<FileObject | undefined>
  /** Up to one more than was asked for, which tells that there are more. */
  list(project: ProjectId, query: FileQuery): Promise<FileObject[]>
  read(id: FileId): AsyncIterable<Uint8Array>
  remove(project: ProjectId, id: FileId): Promise<boolean>
  /** Of all files of a project together. */
  bytesOf(project: ProjectId): Promise<number>
}

export interface FileHead {
  /** Named before, where whoever writes it may have to begin again. */
  id?: FileId
  filename: string
  purpose: FileObject['purpose']
  /** Milliseconds since 1970; `null` is kept until somebody deletes it. */
  expiresAtMs: number | null
}

/** Requests that were left for later. */
export interface Batches {
  create(project: ProjectId, key: KeyId, wanted: NewBatch): Promise<BatchObject>
  find(project: ProjectId, id: string): Promise<BatchObject | undefined>
  /** Up to one more than was asked for, which tells that there are more. */
  list(
    project: ProjectId,
    query: { limit: number; after?: BatchId | undefined },
  ): Promise<BatchObject[]>
  /** As it is then: what is over stays as it was. */
  cancel(project: ProjectId, id: string): Promise<BatchObject | undefined>
  /** There is something to carry out. */
  stir(): void
}

/** Who waits for which model. */
export interface Lineup {
  queues(): Promise<QueueList>
}

export interface Health {
  /** The parts this gateway needs, and whether each is there. */
  parts(): Promise<Record<'broker' | 'database' | 'workers', boolean>>
  /** Prometheus text. */
  metrics(): Promise<string>
}

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
