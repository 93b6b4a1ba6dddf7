import { newJobId, newKeyId, newProjectId } from '../../proto/ids.ts'
import type { ChatJob } from '../../proto/job.ts'
import { UNLIMITED, type Limits } from '../../proto/limits.ts'
import type { Key } from '../ports.ts'

type Given = Partial<Limits>

/** A key with the limits of a test: its own, those of its project, and those of the model `m` there. */
export function keyWith({
  key = {},
  project = {},
  model,
}: {
  key?: Given
  project?: Given
  model?: Given
}): Pick<Key, 'id' | 'project' | 'limits'> {
  return {
    id: newKeyId(),
    project: newProjectId(),
    limits: {
      key: { ...UNLIMITED, ...key },
      project: { ...UNLIMITED, ...project },
      models: model ? { m: { ...UNLIMITED, ...model } } : {},
    },
  }
}

/** A job of the model `m` whose prompt is taken for so many tokens. */
export function jobOf(
  key: Pick<Key, 'id' | 'project'>,
  { promptTokens, maxTokens }: { promptTokens: number; maxTokens: number | null },
): ChatJob {
  const text = 'x'.repeat(promptTokens * 3 - 'user'.length)
  return {
    id: newJobId(),
    kind: 'chat',
    model: 'm',
    gateway: 'g1-x' as ChatJob['gateway'],
    tenant: key.project,
    key: key.id,
    priority: 'default',
    admittedAtMs: 0,
    deadlineAtMs: 0,
    reading: { resumable: false, includeUsage: false },
    messages: [{ role: 'user', text }],
    sampling: {
      temperature: 0,
      topP: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      seed: 0,
      maxTokens,
      stop: [],
    },
  }
}
