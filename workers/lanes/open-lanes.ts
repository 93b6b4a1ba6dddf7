import { ECHO_QUEUE } from '../../proto/echo.ts'
import { LEXICAL_EMBED, LEXICAL_RERANK } from '../../proto/lexical.ts'
import type { Gpu } from '../engines/llama/gpu.ts'
import { specOf } from '../engines/spec-of-model.ts'
import { findModels, type StoredModel } from '../models/find-models.ts'
import { verifyModel } from '../models/verify-model.ts'
import type { Lane } from './lane.ts'
import { PiscinaLane, type LaneOptions } from './piscina-lane.ts'

/** When the models that are made of code alone were made. */
const CODE_BORN_MS = Date.UTC(2026, 10, 20)
const LEXICAL_SLOTS = 4

export interface LaneSettings {
  /** Folders of models, the first that holds an id wins. */
  modelDirs: readonly string[]
  models: readonly string[] | 'all'
  echo: boolean
  echoSlots: number
  /** Whether it makes vectors of words and ranks by them. */
  lexical: boolean
  gpu: Gpu
  /** CPU threads of each model. */
  threads?: number
  /** Whether models keep to the pace of their manifests; without it they go as fast as they can. */
  pace: boolean
}

type Report = (text: string) => void

/** Opens a lane for everything this worker is to serve. A model that cannot be loaded is left out, and said so. */
export async function openLanes(settings: LaneSettings, report: Report): Promise<Lane[]> {
  const wanted: LaneOptions[] = []
  if (settings.echo) wanted.push(...echoes(settings.echoSlots, report))
  if (settings.lexical) wanted.push(...lexicals(report))
  if (settings.models === 'all' || settings.models.length > 0)
    for (const model of await chosen(settings, report)) wanted.push(laneOf(model, settings, report))
  const opened = await Promise.all(wanted.map((options) => opening(options)))
  return opened.filter((lane) => lane !== undefined)
}

async function opening(options: LaneOptions): Promise<Lane | undefined> {
  const { models, report } = options
  const name = models[0] ?? options.queue
  const startMs = performance.now()
  try {
    const lane = await PiscinaLane.open(options)
    const { slots } = lane.offering()
    report(`${name}: ${slots} slots, loaded in ${Math.round(performance.now() - startMs)} ms`)
    return lane
  } catch (thrown) {
    report(`${name}: left out. ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return undefined
  }
}

async function chosen({ modelDirs, models }: LaneSettings, report: Report): Promise<StoredModel[]> {
  const found = await findModels(modelDirs)
  const isWanted = (id: string): boolean => models === 'all' || models.includes(id)
  for (const { id, why } of found.broken) if (isWanted(id)) report(`${id}: left out. ${why}`)
  const known = new Set([
    ...found.models.map(({ manifest }) => manifest.id),
    ...found.broken.map(({ id }) => id),
  ])
  for (const id of models === 'all' ? [] : models)
    if (!known.has(id))
      report(`${id}: left out. No folder of models holds it: ${modelDirs.join(', ')}.`)
  return found.models.filter(({ manifest }) => isWanted(manifest.id))
}

function laneOf(model: StoredModel, settings: LaneSettings, report: Report): LaneOptions {
  const { manifest } = model
  const { id, createdAtMs, sha256 } = manifest
  const spec = specOf(model, settings)
  const isPaced = settings.pace && manifest.kind === 'chat' && spec.engine === 'llama'
  const verified = new Map<string, string>()
  return {
    queue: id,
    models: [id],
    createdAtMs,
    fingerprint: `fp_${sha256.slice(0, 12)}`,
    report,
    verify: () => verifyModel(model, verified),
    spec: isPaced ? { ...spec, paceTokensPerSecond: manifest.paceTokensPerSecond } : spec,
  }
}

/** Both kinds, each in its thread. */
function echoes(slots: number, report: Report): LaneOptions[] {
  const common = {
    queue: ECHO_QUEUE,
    createdAtMs: CODE_BORN_MS,
    fingerprint: 'fp_echo',
    report,
  }
  return [
    { ...common, spec: { engine: 'echo', slots }, models: ['echo-64-20-0'] },
    { ...common, spec: { engine: 'echo-in', slots }, models: ['echo-in-0'] },
  ]
}

/** Each in its thread: a long list of texts must not keep a query waiting. */
function lexicals(report: Report): LaneOptions[] {
  // Another number where their vectors are others.
  const common = { createdAtMs: CODE_BORN_MS, fingerprint: 'fp_lexical1', report }
  const slots = LEXICAL_SLOTS
  return [
    {
      ...common,
      queue: LEXICAL_EMBED,
      models: [LEXICAL_EMBED],
      spec: { engine: 'lexical-embed', slots },
    },
    {
      ...common,
      queue: LEXICAL_RERANK,
      models: [LEXICAL_RERANK],
      spec: { engine: 'lexical-rerank', slots },
    },
  ]
}
