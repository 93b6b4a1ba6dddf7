import { Command, InvalidArgumentError } from 'commander'
import type { JuneClient } from '../../client/june-client.ts'
import {
  BudgetSubject,
  BudgetWindow,
  type BudgetUnit,
  type BudgetView,
} from '../../proto/budget.ts'
import { amountOf, nanosIn } from '../amount.ts'
import { table } from '../table.ts'

/** `june budgets create|list|cap|remove` */
export function budgetsCommand(client: () => JuneClient, print: (text: string) => void): Command {
  const budgets = new Command('budgets').description('set what may be spent, and see what was')
  budgets
    .command('create')
    .description('a cap that is never passed; give an amount of money or a number of tokens')
    .argument('<subject>', 'whose it is: org_…, proj_… or key_…', subject)
    .option('--money <amount>', 'in your currency, such as 25.00', nanosIn)
    .option('--tokens <n>', 'prompts and answers together', whole)
    .option('--window <window>', 'total, day or month (of the calendar, UTC)', window, 'total')
    .action(
      async (
        owner: BudgetSubject,
        options: { money?: string; tokens?: string; window: BudgetWindow },
      ) => {
        const made = await client().createBudget({
          subject: owner,
          window: options.window,
          ...capIn(options),
        })
        print(made.id)
      },
    )
  budgets
    .command('list')
    .description('all budgets, with what was spent in their current window')
    .action(async () =>
      print(
        table(
          ['id', 'of', 'window', 'unit', 'cap', 'spent', 'held'],
          (await client().listBudgets()).map(row),
        ),
      ),
    )
  budgets
    .command('cap')
    .description('give a budget another cap')
    .argument('<id>', 'the id that "list" shows: budget_…')
    .option('--money <amount>', 'in your currency, such as 25.00', nanosIn)
    .option('--tokens <n>', 'prompts and answers together', whole)
    .action(async (id: string, options: { money?: string; tokens?: string }) => {
      const set = await client().setCap(id, capIn(options).cap)
      print(`${set.id} is capped at ${shown(set, set.cap)}.`)
    })
  budgets
    .command('remove')
    .description('hold nobody to a budget any more')
    .argument('<id>', 'the id that "list" shows: budget_…')
    .action(async (id: string) => print(`${(await client().removeBudget(id)).id} is removed.`))
  return budgets
}

function capIn({ money, tokens }: { money?: string; tokens?: string }): {
  unit: BudgetUnit
  cap: string
} {
  if (money !== undefined && tokens === undefined) return { unit: 'money', cap: money }
  if (tokens !== undefined && money === undefined) return { unit: 'tokens', cap: tokens }
  throw new Error('Give either --money or --tokens.')
}

const shown = ({ unit }: BudgetView, amount: string): string =>
  unit === 'money' ? amountOf(amount) : amount

const row = (budget: BudgetView): string[] => [
  budget.id,
  budget.subject,
  budget.window,
  budget.unit,
  shown(budget, budget.cap),
  shown(budget, budget.spent),
  shown(budget, budget.leased),
]

function whole(text: string): string {
  if (!/^(0|[1-9]\d{0,17})$/.test(text))
    throw new InvalidArgumentError('It must be a whole number.')
  return text
}

function subject(text: string): BudgetSubject {
  const parsed = BudgetSubject.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('It must be an id: org_…, proj_… or key_….')
  return parsed.data
}

function window(text: string): BudgetWindow {
  const parsed = BudgetWindow.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('It must be "total", "day" or "month".')
  return parsed.data
}
