import { setTimeout as sleep } from 'node:timers/promises'
import { startStack, type StackFixture } from '../infra/testing/start-stack.ts'
import { echoToken } from '../proto/echo.ts'
import { cancelBench } from './failover-cancel.ts'
import { TimedAnswer } from './failover-client.ts'
import { freeze, kill, thaw } from './failover-faults.ts'
import { Watch } from './failover-watch.ts'
import { spread, type Row } from './report.ts'

const REPETITIONS = 30
/** Where in the answer a fault comes, in events; and how much later at most, so that it meets every phase of the rest. */
const STRIKE_AFTER = 20
const JITTER_MS = 200
const ECHO_TOKENS = 80

interface Subject {
  name: string
  model: string
  text: string
}

const SUBJECTS: readonly Subject[] = [
  { name: 'echo, 20 ms a token', model: `echo-${ECHO_TOKENS}-20-0`, text: 'hi' },
  {
    name: 'built-in model',
    model: 'june-chat',
    text: 'How does a request travel through June step by step?',
  },
]

/** What one subject's repetitions came to, milliseconds each. */
interface Times {
  undisturbed: number[]
  dying: number[]
  claimed: number[]
  takeover: number[]
  killGap: number[]
  freezeGap: number[]
}

/** How long a worker's death is seen, and a slot is lost to a client that left: one fault at a time, nothing else to do. */
export async function failoverBench(): Promise<Row[]> {
  const rows: Row[] = []
  {
    await using stack = await startStack({ workers: 2, env: { LOG_LEVEL: 'warn' } })
    await using watch = await Watch.open(stack.run.nats.url)
    const bench = new FailoverBench(stack, watch)
    const times = SUBJECTS.map(() => empty())
    for (let round = 0; round < REPETITIONS; round++)
      for (const [i, subject] of SUBJECTS.entries()) {
        await bench.round(subject, times[i] ?? empty())
        process.stderr.write('.')
      }
    for (const [i, { name }] of SUBJECTS.entries()) rows.push(...rowsOf(name, times[i] ?? empty()))
  }
  return [...rows, ...(await cancelBench(REPETITIONS))]
}

const empty = (): Times => ({
  undisturbed: [],
  dying: [],
  claimed: [],
  takeover: [],
  killGap: [],
  freezeGap: [],
})

class FailoverBench {
  readonly #stack: StackFixture
  readonly #watch: Watch
  readonly #whole = new Map<string, string>()

  constructor(stack: StackFixture, watch: Watch) {
    this.#stack = stack
    this.#watch = watch
  }

  /** An answer undisturbed, one whose worker is killed, and one whose worker is frozen. */
  async round(subject: Subject, times: Times): Promise<void> {
    const calm = await this.#ask(subject)
    const calmAtMs = await this.#moment(calm)
    await this.#end(subject, calm)
    times.undisturbed.push(calm.longestGapMs(calmAtMs))

    const killed = await this.#ask(subject)
    await this.#moment(killed)
    const victim = await this.#holder(killed)
    const death = await kill(victim.pid)
    const next = await this.#watch.claimed(killed.job, victim.epoch)
    await this.#end(subject, killed)
    times.dying.push(death.provedAtMs - death.atMs)
    times.claimed.push(next.atMs - death.atMs)
    times.takeover.push(next.atMs - death.provedAtMs)
    times.killGap.push(killed.longestGapMs(death.atMs))
    await this.#watch.idle(2, victim.nonce)

    const stood = await this.#ask(subject)
    await this.#moment(stood)
    const frozen = await this.#holder(stood)
    const stop = await freeze(frozen.pid)
    await this.#watch.claimed(stood.job, frozen.epoch)
    await this.#end(subject, stood)
    times.freezeGap.push(stood.longestGapMs(stop.atMs))
    await thaw(frozen.pid)
    await this.#watch.idle(2)
  }

  async #ask({ model, text }: Subject): Promise<TimedAnswer> {
    await this.#watch.idle(2)
    const { gateway, key } = this.#stack.run
    return TimedAnswer.ask({ url: gateway, key, model, text })
  }

  /** Somewhere in the middle of the answer. */
  async #moment(answer: TimedAnswer): Promise<number> {
    await answer.reaches(STRIKE_AFTER)
    await sleep(Math.random() * JITTER_MS)
    return performance.now()
  }

  /** Who computes it, as LEDGER and `june.json` say. */
  async #holder(answer: TimedAnswer) {
    const { worker, epoch } = await this.#watch.claimed(answer.job)
    const { workers } = await this.#stack.read()
    const pid = workers.find(({ id }) => id === worker)?.pid
    if (pid === undefined) throw new Error(`void: ${worker} is not up`)
    return { pid, epoch, nonce: this.#watch.nonceOf(worker) }
  }

  /** A figure counts only where the answer came to its end and is, to the letter, what it is undisturbed. */
  async #end({ model, text }: Subject, answer: TimedAnswer): Promise<void> {
    await answer.over
    const whole = this.#whole.get(model) ?? (model === 'june-chat' ? answer.text : echoText())
    this.#whole.set(model, whole)
    if (answer.doneAtMs === undefined || answer.text !== whole)
      throw new Error(`void: ${answer.job} answered "${answer.text}" to "${text}"`)
  }
}

const echoText = (): string =>
  Array.from({ length: ECHO_TOKENS }, (_, i) => echoToken(7, i).text).join('')

function rowsOf(name: string, times: Times): Row[] {
  const row = (what: string, values: number[]): Row => spread(what, name, values)
  return [
    row('longest gap between tokens, no fault (A/A)', times.undisturbed),
    row('kill -9: signal to process gone', times.dying),
    row('kill -9: process gone to next claim in LEDGER', times.takeover),
    row('kill -9: signal to next claim in LEDGER', times.claimed),
    row('kill -9: gap that the client sees', times.killGap),
    row('SIGSTOP: gap that the client sees', times.freezeGap),
  ]
}
