import type { ClaimAnswer, Grant } from '../../proto/claim.ts'
import { subjects } from '../../proto/subjects.ts'
import { ask, type Asker } from './ask.ts'
import type { Counts } from './counts.ts'
import { FrameWriter } from './frame-writer.ts'
import type { Offer } from './read-offer.ts'
import { Run } from './run.ts'
import type { Runs } from './runs.ts'

/** Turns offers into runs, and asks again for runs that hear nothing. */
export class Claims {
  readonly #asker: Asker
  readonly #runs: Runs
  readonly #counts: Counts

  constructor(asker: Asker, runs: Runs, counts: Counts) {
    this.#asker = asker
    this.#runs = runs
    this.#counts = counts
  }

  /** The run, if a gateway grants the job. Dropping an offer needs no word: gateways hand on what nobody claims. */
  async take(offer: Offer): Promise<Run | undefined> {
    return this.#asking(offer, (answer) => (answer?.go ? this.#begin(offer, answer) : undefined))
  }

  /** Asks again for a run that has waited too long, so that a gateway which died holds no slot. */
  async renew(run: Run): Promise<void> {
    if (run.asking) return
    run.asking = true
    await this.#asking(run.offer, (answer) => {
      if (answer?.go) this.#granted(run, answer)
      else if (answer?.why === 'held') run.moved()
      else run.stop('refused')
    })
    run.asking = false
  }

  #granted(run: Run, grant: Grant): void {
    if (run.over || run.stopped) return
    if (grant.epoch === run.grant.epoch) run.credit(grant.credit)
    // It had been taken from us, and nobody else has it yet.
    else if (grant.epoch > run.grant.epoch) run.successor = this.#begin(run.offer, grant)
  }

  async #asking<T>(offer: Offer, then: (answer: ClaimAnswer | undefined) => T): Promise<T> {
    const { life } = this.#asker.link
    const forget = this.#runs.expect(offer.job.id)
    try {
      const answer = await ask(this.#asker, offer)
      this.#counts.claims[answer ? (answer.go ? 'go' : answer.why) : 'silence'] += 1
      // Granted to a connection that is gone, and so taken back already.
      return then(life.aborted ? undefined : answer)
    } finally {
      forget()
    }
  }

  #begin(offer: Offer, grant: Grant): Run | undefined {
    const { link, worker } = this.#asker
    const subject = subjects.out(worker, offer.job.id)
    const send = (frame: Uint8Array): void => link.nc.publish(subject, frame)
    const run = new Run(offer, grant, new FrameWriter(grant.epoch, grant.from, this.#counts, send))
    return this.#runs.begin(run) ? run : undefined
  }
}
