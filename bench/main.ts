import { availableParallelism, cpus, loadavg } from 'node:os'
import { engineBench } from './engine-bench.ts'
import { fairBench } from './fair.ts'
import { failoverBench } from './failover.ts'
import { gatewayBench } from './gateway-bench.ts'
import { limiterBench } from './limiter-bench.ts'
import { report, type Row } from './report.ts'
import { startBench } from './stack.ts'

/** `npm run bench [gateway|engine|limits|fair|failover]`: everything in one run, each row beside its control. */
const benches = { gateway: gatewayBench, engine: engineBench }
const [only] = process.argv.slice(2)
const print = (text: string): void => void process.stdout.write(`${text}\n`)

print(
  `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}\n`,
)
const rows: Row[] = []
if (!only || only in benches) {
  await using stack = await startBench()
  for (const [name, bench] of Object.entries(benches)) {
    if (only && only !== name) continue
    process.stderr.write(`${name} …\n`)
    rows.push(...(await bench(stack)))
  }
}
if (!only || only === 'limits') {
  process.stderr.write('limits …\n')
  rows.push(...(await limiterBench()))
}
// Their own stacks, as the launcher starts it, and nothing beside them.
if (!only || only === 'fair') {
  process.stderr.write('fair …\n')
  rows.push(...(await fairBench()))
}
if (!only || only === 'failover') {
  process.stderr.write('failover …\n')
  rows.push(...(await failoverBench()))
}
print(report(rows))
print(`\nload at the end ${loadavg()[0]?.toFixed(1)}`)
process.exit(0)
