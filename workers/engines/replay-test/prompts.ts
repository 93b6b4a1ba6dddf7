/** Short and long, sure and unsure, one that is mostly not English: what differs in rounding shows where a model hesitates. */
export const PROMPTS: readonly string[] = [
  'What happens when a worker dies?',
  'Tell me a long story about a token.',
  'How do I scale to more nodes, and what do I have to look at first?',
  'xin chào 👋 Grüße, ça va?',
  'List the first ten prime numbers.',
  'Write a haiku.',
  `Sum this up: ${'a gateway admits a job, a worker claims it, and its tokens come back. '.repeat(6)}`,
  'Why?',
]
