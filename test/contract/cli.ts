import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { CreatedKey } from '../../proto/admin.ts'
import { ProjectView } from '../../proto/organisations.ts'
import type { Stack } from './stack.ts'

const run = promisify(execFile)
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname

/** `june`, as an operator types it. */
export function cli(stack: () => Stack): void {
  const june = async (...args: string[]): Promise<string> => {
    const { url, admin } = stack()
    const { stdout } = await run(process.execPath, [MAIN, '--url', url, '--key', admin, ...args])
    return stdout
  }

  describe('the june command', () => {
    test('makes projects and keys, changes and lists them, and knows who did it', async () => {
      const made = await june(
        'projects',
        'create',
        'from a shell',
        '--concurrent-streams',
        '3',
        '--json',
      )
      const { id: project } = ProjectView.parse(JSON.parse(made))
      const bounds = ['--routes', 'chat,models', '--models', 'echo*', '--expires', '1d']
      const key = CreatedKey.parse(
        JSON.parse(await june('keys', 'create', 'mine', '--project', project, ...bounds, '--json')),
      )
      expect(key).toMatchObject({ project, routes: ['chat', 'models'], models: ['echo*'] })
      const [limits, updated, listed, audit] = await Promise.all([
        june('limits', 'set', project, '--concurrent-streams', 'none', '--tokens-per-minute', '9'),
        june('keys', 'update', key.id, '--routes', 'all', '--expires', 'never', '--json'),
        june('keys', 'list', '--project', project),
        june('audit', '--target', project),
      ])
      expect(limits).toMatch(/all models +- +9 +- +-$/m)
      expect(JSON.parse(updated)).toMatchObject({
        routes: null,
        expiresAt: null,
        models: ['echo*'],
      })
      expect(listed).toContain(`…${key.hint}`)
      expect(audit).toContain('project.create')
    })
  })
}
