/** How often something comes, in GBNF. */
export const times = (min: number, max: number | null): string =>
  min === 0 && max === null ? '*' : `{${min},${max ?? ''}}`
