import serve from '../thread/entry.ts'
import type { ThreadTask, ToThread } from '../thread/protocol.ts'

/** The real thread, which dies soon after it is given a job of this tenant. */
export const POISON = 'poison'

export default async function mortal(task: ThreadTask): Promise<void> {
  task.port.on('message', (message: ToThread) => {
    if (message.type === 'start' && message.task.job.tenant === POISON)
      setTimeout(() => process.exit(7), 60)
  })
  await serve(task)
}
