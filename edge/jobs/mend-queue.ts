import type { JetStreamManager } from '@nats-io/jetstream'
import { JOBS } from '../../proto/subjects.ts'

/**
 * A broker killed while JOBS was empty numbers its messages from 1 again, and a consumer that remembers higher numbers
 * never offers what comes below them (nats-server 2.10.27). Such a consumer is removed, to be made anew. What it had
 * offered is offered again; claims see to it that nothing is computed twice.
 */
export async function removeIfAhead(jsm: JetStreamManager, consumer: string): Promise<boolean> {
  const { delivered } = await jsm.consumers.info(JOBS, consumer)
  // Read second, so that a message that comes in between cannot look like a number that went back.
  const { state } = await jsm.streams.info(JOBS)
  return delivered.stream_seq > state.last_seq && jsm.consumers.delete(JOBS, consumer)
}
