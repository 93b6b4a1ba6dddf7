import { Failure, FailureBody } from '../../proto/failure.ts'

/*
 *  What crosses between the Worker and a Durable Object is a stream of bytes, cut anywhere:
 *
 *  0        4
 *  +--------+------------- - -
 *  | length | record             u32, big endian
 *  +--------+------------- - -
 *
 *  The top bit of a length marks the last record: empty if all went well, else a FailureBody as JSON. A stream that
 *  ends without it broke off. Any other empty record says nothing.
 */
const PREFIX_BYTES = 4
const LAST = 0x8000_0000

/** How soon at the latest the writing end hears that the reading end is gone. */
const PROBE_MS = 500

const utf8 = new TextEncoder()
const text = new TextDecoder()

/** Records that wait together cross together: workerd takes 20-30 µs for a chunk, whatever is in it. */
export function pack(records: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = records.reduce((sum, { byteLength }) => sum + PREFIX_BYTES + byteLength, 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const record of records) {
    view.setUint32(at, record.byteLength)
    bytes.set(record, at + PREFIX_BYTES)
    at += PREFIX_BYTES + record.byteLength
  }
  return bytes
}

const NOTHING = pack([new Uint8Array()])

export function packLast(failure?: Failure): Uint8Array<ArrayBuffer> {
  const record = failure ? utf8.encode(JSON.stringify(failure.toJSON())) : new Uint8Array()
  const bytes = pack([record])
  new DataView(bytes.buffer).setUint32(0, (LAST | record.byteLength) >>> 0)
  return bytes
}

/**
 * A stream of records, pulled. Batches of the source stay together. `onCancel` hears that nobody reads any more; the
 * runtime notices that when it writes, so an empty record is written now and then while there is nothing else.
 */
export function streamOf(
  source: AsyncIterable<readonly Uint8Array[]>,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let timer: ReturnType<typeof setInterval> | null = null
  return new ReadableStream({
    // Only a stream of bytes may cross to another object.
    type: 'bytes',
    async pull(controller) {
      timer = setInterval(() => controller.enqueue(NOTHING.slice()), PROBE_MS)
      try {
        const { done, value } = await iterator.next()
        controller.enqueue(done ? packLast() : pack(value))
        if (done) controller.close()
      } catch (thrown) {
        controller.enqueue(packLast(Failure.from(thrown)))
        controller.close()
      } finally {
        clearInterval(timer)
      }
    },
    cancel() {
      clearInterval(timer)
      onCancel()
    },
  })
}

/** The other end. Throws the failure that the last record carries; the caller ends the reader. */
export async function* recordsOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<readonly Uint8Array[]> {
  let rest: Uint8Array = new Uint8Array()
  for (;;) {
    const { done, value } = await read(reader)
    if (done) throw brokeOff()
    rest = rest.byteLength === 0 ? value : joined(rest, value)
    const records: Uint8Array[] = []
    let at = 0
    let last: Uint8Array | undefined
    while (!last && rest.byteLength - at >= PREFIX_BYTES) {
      const length = new DataView(rest.buffer, rest.byteOffset + at).getUint32(0)
      const end = at + PREFIX_BYTES + (length & ~LAST)
      if (end > rest.byteLength) break
      const record = rest.subarray(at + PREFIX_BYTES, end)
      if (length >= LAST) last = record
      else if (record.byteLength > 0) records.push(record)
      at = end
    }
    rest = rest.subarray(at)
    if (records.length > 0) yield records
    if (last?.byteLength === 0) return
    if (last) throw Failure.of(FailureBody.parse(JSON.parse(text.decode(last))))
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read()
  } catch (cause) {
    throw brokeOff(cause)
  }
}

const brokeOff = (cause?: unknown): Failure =>
  new Failure('unavailable', 'The answer broke off inside the gateway. Try again.', { cause })

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.byteLength + b.byteLength)
  bytes.set(a)
  bytes.set(b, a.byteLength)
  return bytes
}
