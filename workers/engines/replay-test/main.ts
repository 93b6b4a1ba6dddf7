import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findModels } from '../../models/find-models.ts'
import { verifyModel } from '../../models/verify-model.ts'
import { llamaEngine } from '../llama/llama-engine.ts'
import { chatSpecOf } from '../spec-of-model.ts'
import { readDevice } from './device.ts'
import { PROMPTS } from './prompts.ts'
import { replayTest } from './replay-test.ts'
import { tableOf } from './table.ts'
import { verdictOf } from './verdict.ts'

const OWN_MODELS = fileURLToPath(new URL('../../../models', import.meta.url))

/** node workers/engines/replay-test/main.ts <id> [--json] [--tokens <n>] [--cuts <n>] */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '64' },
    cuts: { type: 'string', default: '5' },
  },
})

try {
  const [id = ''] = positionals
  const { modelDirs, ...device } = readDevice(process.env)
  const found = await findModels([OWN_MODELS, ...modelDirs])
  const model = found.models.find(({ manifest }) => manifest.id === id)
  const why = found.broken.find((each) => each.id === id)?.why
  if (!model)
    throw new Error(why ?? `No folder of models holds "${id}". Name its folder in JUNE_MODELS_DIR.`)
  const { manifest, file } = model
  if (manifest.kind !== 'chat')
    throw new Error(`"${id}" does not chat: there is nothing to replay.`)
  await verifyModel(model)
  const plan = {
    model: id,
    prompts: PROMPTS,
    tokens: Number(values.tokens),
    cuts: Number(values.cuts),
  }
  const spec = chatSpecOf({ manifest, file }, device)
  const report = await replayTest(plan, (replay) => llamaEngine({ ...spec, replay, cold: true }))
  const verdict = verdictOf(report, manifest.replay)
  const text = values.json
    ? JSON.stringify({ ...report, manifest: manifest.replay, verdict }, null, 2)
    : `${tableOf(report)}\n\n${verdict}`
  process.stdout.write(`${text}\n`)
} catch (thrown) {
  process.stderr.write(`june: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exitCode = 1
}
