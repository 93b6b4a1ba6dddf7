/** `june chaos`: the same as `npm run chaos`. It brings a June of its own and asks nothing of the one that runs. */
export { chaosCommand } from '../../chaos/command.ts'
