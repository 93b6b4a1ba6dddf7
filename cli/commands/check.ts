import { Command } from 'commander'
import { runChecks, type Finding } from '../check/run-checks.ts'

export interface CheckTarget {
  url: string
  key: string
}

/** `june check`: what a client of OpenAI's API may rely on, held against this gateway, or any other API. */
export function checkCommand(
  target: () => Promise<CheckTarget>,
  print: (text: string) => void,
): Command {
  return new Command('check')
    .description('hold the API against what clients of OpenAI’s rely on; June’s own or any other')
    .option('--model <id>', 'a model that chats', 'june-chat')
    .option('--json', 'the findings as JSON', false)
    .action(async ({ model, json }: { model: string; json: boolean }) => {
      const findings: Finding[] = []
      for await (const finding of runChecks({ ...(await target()), model })) {
        findings.push(finding)
        if (!json) print(lineOf(finding))
      }
      const broken = findings.filter((finding) => finding.broken !== null).length
      if (json) print(JSON.stringify(findings, undefined, 2))
      else print(`\n${findings.length - broken} of ${findings.length} promises are kept`)
      process.exitCode = broken === 0 ? 0 : 1
    })
}

const lineOf = ({ title, broken }: Finding): string =>
  broken === null ? `kept    ${title}` : `BROKEN  ${title}\n        ${broken}`
