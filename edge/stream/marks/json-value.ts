/** Finds where a JSON object or list ends, in text that comes bit by bit. It looks at brackets and strings only. */
export class JsonValue {
  #depth: number
  #inString = false
  #escaped = false

  /** `depth` brackets are open already. */
  constructor(depth = 0) {
    this.#depth = depth
  }

  /** How much of this text belongs to it still, or nothing where all does and more is to come. */
  end(text: string): number | undefined {
    for (let i = 0; i < text.length; i++) {
      const char = text[i]
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (char === '\\') this.#escaped = true
        else if (char === '"') this.#inString = false
      } else if (char === '"') this.#inString = true
      else if (char === '{' || char === '[') this.#depth++
      else if ((char === '}' || char === ']') && --this.#depth === 0) return i + 1
    }
    return undefined
  }
}
