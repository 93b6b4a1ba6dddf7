import { GatewayId, type GatewayName, type JobId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import type { QueueList } from '../../proto/queues.ts'
import type {
  Answer,
  Answers,
  AskOptions,
  Catalogue,
  Lineup,
  Looked,
  OnceKey,
  Responses,
  Resumed,
  ResumeOptions,
  Served,
} from '../ports.ts'
import type { StoredResponse } from '../../proto/stored-response.ts'
import type { Bindings } from './bindings.ts'
import type { Asked, BusObject, Reading } from './bus-object.ts'
import { mergeMetrics } from './merge-metrics.ts'
import { recordsOf, streamOf } from './records.ts'
import { valueOf } from './reply.ts'
import { shardOf } from './shard.ts'

/** The job desks, as the Worker reaches them: a job's id says which object has it. */
export class Bus implements Answers, Catalogue, Lineup, Responses {
  readonly #objects: Bindings['BUS']
  readonly #shards: number
  readonly #name: GatewayName

  constructor({ BUS }: Pick<Bindings, 'BUS'>, shards: number, name: GatewayName) {
    this.#objects = BUS
    this.#shards = shards
    this.#name = name
  }

  /** A name to begin with: the object that admits a job puts its own in. */
  gateway(): Promise<GatewayId> {
    return Promise.resolve(GatewayId.parse(this.#name))
  }

  async ask(job: Job, { signal, input, limited = false }: AskOptions): Promise<Answer> {
    const blocks = input && streamOf(oneByOne(input), () => undefined)
    const shard = this.#shard(shardOf(job.id, this.#shards))
    const asked = await valueOf(shard.ask(job, limited, blocks))
    return answerIn(asked, signal)
  }

  async askOnce(
    job: Job,
    key: OnceKey,
    { signal, input, limited = false }: AskOptions,
  ): Promise<Resumed> {
    const blocks = input && streamOf(oneByOne(input), () => undefined)
    const shard = this.#shard(shardOf(job.id, this.#shards))
    return reading(await valueOf(shard.askOnce(job, key, limited, blocks)), signal)
  }

  async recall(job: Job): Promise<Answer | undefined> {
    const frames = await valueOf(this.#shard(shardOf(job.id, this.#shards)).recall(job))
    return frames && framesOf(frames.getReader(), () => undefined)
  }

  async resume(id: JobId, { tenant, after, signal }: ResumeOptions): Promise<Resumed> {
    const shard = this.#shard(shardOf(id, this.#shards))
    return reading(await valueOf(shard.resume(id, { tenant, after })), signal)
  }

  cancel(id: JobId, tenant: string): Promise<void> {
    return valueOf(this.#shard(shardOf(id, this.#shards)).cancel(id, tenant))
  }

  put(asked: StoredResponse): Promise<void> {
    return valueOf(this.#shard(shardOf(asked.id, this.#shards)).putResponse(asked))
  }

  look(id: JobId, tenant: string): Promise<Looked | undefined> {
    return valueOf(this.#shard(shardOf(id, this.#shards)).lookAtResponse(id, tenant))
  }

  remove(id: JobId): Promise<void> {
    return valueOf(this.#shard(shardOf(id, this.#shards)).removeResponse(id))
  }

  find(model: string): Promise<Served | undefined> {
    return valueOf(this.#shard(0).find(model))
  }

  list(): Promise<readonly Served[]> {
    return valueOf(this.#shard(0).list())
  }

  parts(): Promise<{ broker: boolean; workers: boolean }> {
    return valueOf(this.#shard(0).parts())
  }

  /** Each object has queues of its own: they stand one after the other. */
  async queues(): Promise<QueueList> {
    const shards = Array.from({ length: this.#shards }, (_, i) => i)
    const lists = await Promise.all(shards.map((i) => valueOf(this.#shard(i).queues())))
    return { gateway: this.#name, data: lists.flatMap(({ data }) => data) }
  }

  async metrics(): Promise<string> {
    const shards = Array.from({ length: this.#shards }, (_, i) => i)
    const texts = await Promise.all(shards.map((i) => valueOf(this.#shard(i).metrics())))
    return mergeMetrics(texts)
  }

  changed(what: 'keyChanged' | 'moneyChanged'): Promise<void> {
    return valueOf(this.#shard(0).changed(what))
  }

  /** Made anew for each call: a stub belongs to the request that made it. */
  #shard(i: number): DurableObjectStub<BusObject> {
    return this.#objects.get(this.#objects.idFromName(`bus-${i}`))
  }
}

function reading({ head, stored, ...asked }: Reading, signal: AbortSignal): Resumed {
  return { head, stored, answer: answerIn(asked, signal) }
}

function answerIn({ frames, queued }: Asked, signal: AbortSignal): Answer {
  const reader = frames.getReader()
  const leave = (): void => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  const answer = framesOf(reader, leave)
  return queued ? Object.assign(answer, { queued }) : answer
}

async function* framesOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  leave: () => void,
): AsyncGenerator<readonly Uint8Array[]> {
  try {
    yield* recordsOf(reader)
  } finally {
    leave()
  }
}

async function* oneByOne(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  for await (const block of input) yield [block]
}
