/** What is said of an answer that is beyond what its model was taught. */
export const limits = {
  announced: 'This is a guess: the practice model is not sure that it knows what the picture shows.',
  guess: 'The practice model is not sure that it knows what this shows. A guess:',
  strange:
    'The practice model was not taught questions with {{words}}; it answers about what, how many, which colour and where.',
  /** A word of a question, as the language quotes it. */
  quoted: '“{{word}}”',
  varied: 'Sampled, because your settings give the same words each time.',
  takes: '{{range, durationRange}}, by what was measured just now.',
  used: '{{size, bytes}} are used: {{models, bytes}} by these models, {{rest, bytes}} by the page with its built-in models, pictures and conversations.',
} as const
