import { z } from 'zod'
import { OrganisationId, ProjectId } from './ids.ts'
import { Limits } from './limits.ts'
import { Name } from './name.ts'
import { pageOf, Paging } from './paging.ts'
import { ResponseCache } from './response-cache.ts'

export const OrganisationView = z.object({
  id: OrganisationId,
  name: z.string(),
  createdAt: z.iso.datetime(),
  archivedAt: z.iso.datetime().nullable(),
})
export type OrganisationView = z.infer<typeof OrganisationView>

export const NewOrganisation = z.object({ name: Name })
export type NewOrganisation = z.infer<typeof NewOrganisation>

/** Archived, all its keys open nothing; restored, they open what they did. */
export const OrganisationPatch = z.object({ name: Name, archived: z.boolean() }).partial()
export type OrganisationPatch = z.infer<typeof OrganisationPatch>

export const OrganisationPage = pageOf(OrganisationView)

export const ProjectView = z.object({
  id: ProjectId,
  organisation: OrganisationId,
  name: z.string(),
  /** Of all its keys together. */
  ...Limits.shape,
  /** Of all its keys together, by model. */
  modelLimits: z.record(z.string(), Limits),
  /** Where it is, answers of its models may be given again to the same question. */
  cache: ResponseCache.nullable(),
  createdAt: z.iso.datetime(),
  archivedAt: z.iso.datetime().nullable(),
})
export type ProjectView = z.infer<typeof ProjectView>

export const NewProject = z.object({
  name: Name,
  /** Left out, it is the organisation of the key that asks. */
  organisation: OrganisationId.optional(),
  ...Limits.partial().shape,
  cache: ResponseCache.nullable().optional(),
})
export type NewProject = z.infer<typeof NewProject>

/** What is left out stays as it is. */
export const ProjectPatch = z
  .object({
    name: Name,
    archived: z.boolean(),
    ...Limits.shape,
    cache: ResponseCache.nullable(),
  })
  .partial()
export type ProjectPatch = z.infer<typeof ProjectPatch>

export const ProjectPage = pageOf(ProjectView)

export const ProjectQuery = Paging.extend({ organisation: OrganisationId.optional() })
export type ProjectQuery = z.infer<typeof ProjectQuery>

/** All four are set: what is left out is no limit. */
export const ModelLimits = Limits.partial()
export type ModelLimits = z.infer<typeof ModelLimits>
