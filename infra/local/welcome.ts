import { styleText } from 'node:util'
import type { RunFile } from './run-file.ts'

/** What a person needs now: a page to open, a key, a request to paste, and how long it all took. */
export function welcome(
  { gateway, key }: RunFile,
  took: { seconds: string; npm: string | undefined },
): string {
  const body = {
    model: 'june-chat',
    stream: true,
    messages: [{ role: 'user', content: 'What is June?' }],
  }
  const curl = [
    `curl -N ${gateway}/v1/chat/completions`,
    `-H "authorization: Bearer ${key}"`,
    '-H "content-type: application/json"',
    `-d '${JSON.stringify(body)}'`,
  ].join(' ')
  const times = took.npm ? `npm ${took.npm}, June ${took.seconds}` : `June ${took.seconds}`
  return `
  ${styleText('bold', 'June is up')}  (${times})

  chat  ${gateway}/#key=${key}
  key   ${key}

  ${curl}

  Ctrl-C ends it.
`
}
