import { describe, test } from 'vitest'
import { judge, type Post } from './fence.ts'

const post: Post = { epoch: 2, subject: 'out.w1.job', next: 10, credit: 14 }
const head = (epoch: number, seq: number, count: number) => ({
  kind: 'tokens' as const,
  epoch,
  seq,
  count,
})

describe('the fence', () => {
  test.for([
    {
      title: 'lets the next tokens of the holder through',
      frame: head(2, 10, 3),
      judgement: 'accept',
    },
    { title: 'lets a frame use up the credit', frame: head(2, 10, 4), judgement: 'accept' },
    { title: 'stops a frame that passes the credit', frame: head(2, 10, 5), judgement: 'overrun' },
    { title: 'drops an old epoch', frame: head(1, 10, 1), judgement: 'stale' },
    { title: 'drops an epoch that was never given', frame: head(3, 10, 1), judgement: 'stale' },
    { title: 'drops what was heard before', frame: head(2, 9, 1), judgement: 'repeat' },
    { title: 'sees that something is missing', frame: head(2, 11, 1), judgement: 'hole' },
    {
      title: 'sees that something before the end is missing',
      frame: head(2, 12, 0),
      judgement: 'hole',
    },
  ])('$title', ({ frame, judgement }, { expect }) => {
    expect(judge(post, frame, 'out.w1.job')).toBe(judgement)
  })

  test('drops the right frame from another worker', ({ expect }) => {
    expect(judge(post, head(2, 10, 1), 'out.w2.job')).toBe('stale')
  })

  test('drops everything while nobody holds the job', ({ expect }) => {
    expect(judge({ ...post, subject: undefined }, head(2, 10, 1), 'out.w1.job')).toBe('stale')
  })
})
