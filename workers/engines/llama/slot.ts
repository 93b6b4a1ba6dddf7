import type { Bindings, Draw, NativeContext, NativeSampler } from './bindings.ts'
import type { Drawn, Stepper } from './stepper.ts'

/** A place for one stream in the context, and what its cache holds. Whoever uses it sees to it that it does not overflow. */
export class Slot {
  usedAtMs = 0
  readonly #sequence: number
  readonly #stepper: Stepper
  readonly #native: NativeContext
  readonly #sampler: NativeSampler
  readonly #newSampler: () => NativeSampler
  /** Draws the highest and changes nothing: with it logits are read as the model made them. */
  #reader: NativeSampler | undefined
  #tokens: number[] = []
  /** So many of its tokens were computed together with others, as a prompt is. */
  #read = 0
  #lastSeed: number | undefined

  constructor(sequence: number, stepper: Stepper, { context, newSampler }: Bindings) {
    this.#sequence = sequence
    this.#stepper = stepper
    this.#native = context
    this.#sampler = newSampler()
    this.#newSampler = newSampler
  }

  /**
   * How many leading tokens the cache could keep for `tokens`. With `exact`, none that were computed one at a time: the
   * two ways round differently, and an answer must not depend on what its slot did before.
   */
  shares(tokens: readonly number[], exact: boolean): number {
    const most = Math.min(exact ? this.#read : this.#tokens.length, tokens.length)
    let same = 0
    while (same < most && tokens[same] === this.#tokens[same]) same++
    return same
  }

  /** Forgets everything from token `size` on. Answers how many are kept: none, where the cache cannot be cut. */
  keep(size: number): number {
    if (this.#tokens.length <= size) return this.#tokens.length
    // A cache with a sliding window has lost what it would need to go back.
    const whole = this.#native.getSequenceKvCacheMinPosition(this.#sequence) <= 0
    const { length } = this.#tokens
    if (
      size === 0 ||
      !whole ||
      !this.#native.removeTokenCellsFromSequence(this.#sequence, size, length)
    ) {
      this.reset()
      return 0
    }
    this.#tokens.length = size
    this.#read = Math.min(this.#read, size)
    return size
  }

  /** Takes in tokens, all in one step. */
  async read(tokens: readonly number[]): Promise<void> {
    await this.#stepper.step({ sequence: this.#sequence, at: this.#tokens.length, tokens })
    this.#holds(tokens)
  }

  /**
   * Takes in tokens and draws the next one. Slots that draw in the same turn of the event loop share one step. With
   * `top` it tells how likely the token was, and so many of the likeliest.
   */
  async draw(tokens: readonly number[], how: Draw, top?: number): Promise<Drawn> {
    const sampler = this.#sampler
    // A sampler that is given the seed it has goes on where its last draw stopped, instead of beginning again.
    if (how.seed === this.#lastSeed) sampler.applyConfig({ ...how, seed: (how.seed ^ 1) >>> 0 })
    this.#lastSeed = how.seed
    const at = this.#tokens.length
    const drawn = await this.#stepper.step({
      sequence: this.#sequence,
      at,
      tokens,
      draw: {
        sampler,
        how,
        ...(top !== undefined && { telling: { reader: this.#reading(), top } }),
      },
    })
    if (!drawn) throw new Error('No token could be drawn.')
    this.#holds(tokens)
    return drawn
  }

  #reading(): NativeSampler {
    if (!this.#reader) {
      this.#reader = this.#newSampler()
      this.#reader.applyConfig({ temperature: 0 })
    }
    return this.#reader
  }

  /** Forgets everything. After a step that failed nobody knows what the cache holds. */
  reset(): void {
    this.#tokens = []
    this.#read = 0
    this.#native.disposeSequence(this.#sequence)
  }

  dispose(): void {
    this.#sampler.dispose()
    this.#reader?.dispose()
  }

  #holds(tokens: readonly number[]): void {
    if (tokens.length > 1 && this.#read === this.#tokens.length) this.#read += tokens.length
    for (const token of tokens) this.#tokens.push(token)
  }
}
