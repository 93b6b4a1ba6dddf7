import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from '../history-file.ts'
import { BUILT_IN_ASKS, type Ask } from '../plan/streams.ts'
import { bodyOf, type Gateways } from './client.ts'
import { connection } from './connection.ts'

const PATIENCE_MS = 60_000

/** What the built-in model says while nobody disturbs it. The echo engine's answers need no asking. */
export async function askOracle(history: History, gateways: Gateways): Promise<void> {
  await Promise.all(
    BUILT_IN_ASKS.map(async (ask) => {
      const { text, tokens } = await undisturbed(gateways, ask)
      history.add({ type: 'oracle', ask, text, tokens })
    }),
  )
}

async function undisturbed(
  { urls: [url = ''], key }: Gateways,
  ask: Ask,
): Promise<{ text: string; tokens: number }> {
  const untilMs = performance.now() + PATIENCE_MS
  const wish = {
    url: `${url}/v1/chat/completions`,
    method: 'POST' as const,
    headers: { authorization: `Bearer ${key}` },
    body: bodyOf(ask),
    stallMs: PATIENCE_MS,
  }
  for (;;) {
    let text = ''
    let tokens = -1
    const { how, status, code } = await connection(wish, {
      opened: () => {},
      told: (event) => {
        text += event.text
        tokens = event.completionTokens ?? tokens
        return 'stay'
      },
    })
    if (how === 'done') return { text, tokens }
    // The launcher is ready before its workers have all been heard of: a request that was refused was not accepted.
    if (status !== 503 || performance.now() > untilMs)
      throw new Error(`Without any fault ${ask.model} ended as ${how} (${status}, ${code}).`)
    await sleep(200)
  }
}
