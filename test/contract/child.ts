import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { z } from 'zod'
import { leashed } from '../../infra/leash.ts'

const START_MS = 30_000
const Ready = z.object({ type: z.literal('ready'), url: z.url() })

/** One of June's processes, started as the launcher starts it, and ready. */
export interface Child extends AsyncDisposable {
  url: string
  pid: number
  /** What it wrote to stderr so far. */
  said: () => string
  /** Closes the channel, as the death of its launcher would. */
  disconnect: () => void
  /** Sends a signal and waits until the process is gone. */
  end: (signal: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** It gets this environment, and of ours only what a process needs to run at all. */
export async function startChild(main: URL, env: Record<string, string>): Promise<Child> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(...leashed(process.execPath, [main.pathname]), {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  for (const pipe of [child.stdout, child.stderr])
    pipe?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const gone = once(child, 'exit')
  const end: Child['end'] = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await gone
    }
    return { code: child.exitCode, signal: child.signalCode }
  }
  try {
    const url = await ready(child)
    return {
      url,
      pid: child.pid ?? 0,
      said: () => said,
      disconnect: () => child.disconnect(),
      end,
      [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
    }
  } catch (cause) {
    await end('SIGKILL')
    throw new Error(`${main.pathname} did not start:\n${said}`, { cause })
  }
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it took too long')), START_MS)
    child.on('message', (message) => {
      const parsed = Ready.safeParse(message)
      if (!parsed.success) return
      clearTimeout(timer)
      resolve(parsed.data.url)
    })
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`it ended with ${signal ?? code}`))
    })
  })
}
