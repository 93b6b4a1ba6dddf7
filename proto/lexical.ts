/** The models of vectors that come with June: they know words, and not what words mean. */
export const LEXICAL_EMBED = 'june-embed'
export const LEXICAL_RERANK = 'june-rerank'
