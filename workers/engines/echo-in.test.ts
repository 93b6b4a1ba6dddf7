import { describe, test } from 'vitest'
import { echoInEngine } from './echo-in.ts'
import { engineContract, hear } from './engine.contract.ts'
import type { Task } from './engine.ts'
import { sampleDuplex } from './sample-jobs.ts'

const BLOCKS = 8

/** Blocks `inputFrom` to the last, as a gateway sends those that are not final yet. */
async function* blocks(inputFrom: number): Task['input'] & AsyncGenerator {
  for (let seq = inputFrom; seq < BLOCKS; seq++) yield { seq, bytes: Uint8Array.of(seq, 255 - seq) }
}

const taskOf = (from: number, inputFrom = from): Task => ({
  job: sampleDuplex('echo-in-1'),
  from,
  prefix: [],
  input: blocks(inputFrom),
})

engineContract(
  'echo-in',
  async () => echoInEngine({ slots: 4 }),
  (from) => taskOf(from),
)

describe('echo-in', () => {
  test('gives back every block and says that it is done with it', async ({ expect }) => {
    const { outputs } = await hear(echoInEngine(), taskOf(0))
    expect(outputs.slice(0, 4)).toEqual([
      { kind: 'bytes', bytes: Uint8Array.of(0, 255) },
      { kind: 'consumed', through: 1 },
      { kind: 'bytes', bytes: Uint8Array.of(1, 254) },
      { kind: 'consumed', through: 2 },
    ])
  })

  test('does not repeat a block that was heard but not yet known to be final', async ({
    expect,
  }) => {
    const { said, outputs } = await hear(echoInEngine(), taskOf(5, 3))
    expect(said).toEqual(['05fa', '06f9', '07f8'])
    expect(outputs[0]).toEqual({ kind: 'consumed', through: 4 })
  })
})
