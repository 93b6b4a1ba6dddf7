import { Command, InvalidArgumentError } from 'commander'
import type { JuneClient } from '../../client/june-client.ts'
import { EVERY_MODEL, type PriceView } from '../../proto/price.ts'
import { amountOf, nanosIn } from '../amount.ts'
import { table } from '../table.ts'

interface Options {
  prompt: string
  cached?: string
  completion: string
  batchFactor: number
  replayFactor: number
  from?: string
}

/** `june prices set|list` */
export function pricesCommand(client: () => JuneClient, print: (text: string) => void): Command {
  const prices = new Command('prices').description('set and list what models cost')
  prices
    .command('set')
    .description('what a million tokens of a model cost, from now or from a later moment on')
    .argument('<model>', `the model, or "${EVERY_MODEL}" for all that have no price of their own`)
    .requiredOption('--prompt <amount>', 'for a million prompt tokens, such as 2.50', nanosIn)
    .option('--cached <amount>', 'where a warm slot held them; else as the others', nanosIn)
    .requiredOption('--completion <amount>', 'for a million tokens of answers', nanosIn)
    .option('--batch-factor <part>', 'which part of it a batch pays', part, 0.5)
    .option('--replay-factor <part>', 'which part of it a kept answer costs', part, 0)
    .option('--from <time>', 'from when on, such as 2030-01-01T00:00:00Z')
    .action(async (model: string, options: Options) => {
      const set = await client().setPrice({ model, ...options })
      print(`${set.model} costs this from ${set.from} on.`)
    })
  prices
    .command('list')
    .description('all prices, in amounts for a million tokens')
    .action(async () =>
      print(
        table(
          ['model', 'from', 'prompt', 'cached', 'completion', 'batch', 'kept'],
          (await client().listPrices()).map(row),
        ),
      ),
    )
  return prices
}

const row = (price: PriceView): string[] => [
  price.model,
  price.from,
  amountOf(price.prompt),
  amountOf(price.cached),
  amountOf(price.completion),
  `x ${price.batchFactor}`,
  `x ${price.replayFactor}`,
]

function part(text: string): number {
  const value = Number(text)
  if (text === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return value
}
