import type { FrameHead } from '../../proto/frame.ts'

/** What the fence holds a frame against. */
export interface Post {
  /** The current epoch, and the subject its holder speaks on: nothing while nobody holds the job. */
  epoch: number
  subject: string | undefined
  /** The next position of the answer. */
  next: number
  /** How far the holder was allowed to go. */
  credit: number
}

/**
 * accept   the next piece of the answer
 * stale    of another epoch, or from a worker that holds nothing: dropped
 * repeat   heard before: dropped
 * hole     something before it was lost: the job must be handed on
 * overrun  more than was allowed: the worker does not keep the rules, and the job is handed on
 */
export type Judgement = 'accept' | 'stale' | 'repeat' | 'hole' | 'overrun'

/** Decides on one frame, by its header and by the subject it came on, which the server has proved. */
export function judge(post: Post, frame: FrameHead, subject: string): Judgement {
  if (post.subject === undefined || subject !== post.subject || frame.epoch !== post.epoch)
    return 'stale'
  if (frame.seq !== post.next) return frame.seq < post.next ? 'repeat' : 'hole'
  return frame.seq + frame.count > post.credit ? 'overrun' : 'accept'
}
