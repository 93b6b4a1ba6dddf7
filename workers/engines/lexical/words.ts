/** Words that say how others belong together, and nothing of what a text is about. English only. */
const FUNCTION_WORDS = new Set(
  (
    'a about above after again all also am an and any are as at be because been before being below between both but by ' +
    'can could did do does doing down during each few for from further had has have having he her here hers him his how ' +
    'i if in into is it its itself just me more most my no nor not now of off on once only or other our out over own ' +
    'same she should so some such than that the their them then there these they this those through to too under until ' +
    'up very was we were what when where which while who whom why will with would you your'
  ).split(' '),
)

/** The words of a text in lower case, each as often as it is there, however its characters were composed. */
export const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? []

export const isFunctionWord = (word: string): boolean => FUNCTION_WORDS.has(word)

/** A word without the ending of an English plural: the S stemmer of D. Harman, How effective is suffixing? (1991). */
export function stemOf(word: string): string {
  if (word.length < 4) return word
  if (/[^ea]ies$/.test(word)) return `${word.slice(0, -3)}y`
  if (/[^aeo]es$/.test(word)) return word.slice(0, -1)
  return /[^us]s$/.test(word) ? word.slice(0, -1) : word
}
