import { z } from 'zod'

/** `$JS.ACK.JOBS.<consumer>.<delivered>.<stream seq>.<consumer seq>.<nanoseconds>.<pending>` */
const ACK =
  /^\$JS\.ACK\.JOBS\.([A-Za-z0-9_=-]{1,400})\.(\d{1,20})\.(\d{1,20})\.(\d{1,20})\.(\d{1,20})\.(\d{1,20})$/

/** Where a delivery of a job is acknowledged. It comes from workers, so it is held against the job it is said for. */
export const AckSubject = z.string().regex(ACK)

/** Which message of JOBS an ack subject speaks of, and through which consumer it came. */
export function deliveryOf(ack: string): { consumer: string; streamSeq: number } {
  const [, consumer = '', , streamSeq] = ACK.exec(ack) ?? []
  return { consumer, streamSeq: Number(streamSeq) }
}
