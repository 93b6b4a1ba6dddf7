import { OrganisationId, ProjectId } from './ids.ts'

/** Where everything belongs that nobody put elsewhere: they are there from the first start on. */
export const DEFAULT_ORGANISATION = OrganisationId.parse('org_00000000-0000-7000-8000-000000000001')
export const DEFAULT_PROJECT = ProjectId.parse('proj_00000000-0000-7000-8000-000000000001')
