import { and, eq } from 'drizzle-orm'
import { Failure } from '../../proto/failure.ts'
import { projects } from '../schema/projects.ts'
import type { Domain } from './act.ts'

/** The projects of a domain, for a query in which they are joined. */
export const projectsOf = ({ organisation, project }: Domain) =>
  and(
    organisation === null ? undefined : eq(projects.organisation, organisation),
    project === null ? undefined : eq(projects.id, project),
  )

/** What lies outside the domain of who asks is not there for them: a refusal would say that it exists. */
export const notThere = (what: string, id: string, param = 'id'): Failure =>
  new Failure('not_found', `There is no ${what} ${id}.`, { param })

/** Refuses an act that only a wider reach allows. */
export function requireReach(domain: Domain, least: 'deployment' | 'organisation'): void {
  const wide = least === 'deployment' ? domain.organisation === null : domain.project === null
  if (wide) return
  throw new Failure(
    'forbidden',
    `You have insufficient permissions for this operation. Missing scopes: admin.${least}.`,
  )
}
