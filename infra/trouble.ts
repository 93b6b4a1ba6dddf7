/** What an operator can do something about: it is shown as two sentences, never as a stack. */
export class Trouble extends Error {
  override readonly name = 'Trouble'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.remedy = remedy
  }
}
