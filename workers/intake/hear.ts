import type { Msg } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import { Control } from '../../proto/control.ts'
import type { JobId, WorkerId } from '../../proto/ids.ts'
import { decodeInput } from '../../proto/input.ts'
import { partOf, subjects } from '../../proto/subjects.ts'
import type { Counts } from './counts.ts'
import { hasBody } from './has-body.ts'
import type { Link } from './link.ts'
import { readJson } from './read-json.ts'
import type { Runs } from './runs.ts'

/** Brings what gateways say to the runs it is meant for. */
export function hear({ link, worker, runs, counts, log }: HearOptions): void {
  const listen = (subject: string, take: (message: Msg) => boolean | undefined): void => {
    link.nc.subscribe(subject, {
      callback: (refused, message) => {
        if (refused) return
        try {
          const taken = hasBody(message) ? take(message) : undefined
          if (taken === undefined) counts.noise += 1
          if (taken === false) counts.staleControls += 1
        } catch (thrown) {
          // One that got out would end the client's reading loop, and with it the connection.
          log.error({ err: thrown, subject }, 'a message could not be handled')
        }
      },
    })
  }

  listen(subjects.ctl(worker), ({ data }) => {
    const control = readJson(Control, data)
    return control && runs.control(control)
  })
  listen(subjects.inOf(worker), ({ data, subject }) => {
    const frame = decodeInput(data)
    // Looked up and nothing else, so it needs no check of its own.
    return frame && runs.input(partOf(subject, 2) as JobId, frame)
  })
}

export interface HearOptions {
  link: Link
  worker: WorkerId
  runs: Runs
  counts: Counts
  log: Logger
}
