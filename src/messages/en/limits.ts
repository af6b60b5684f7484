/** What is said of an answer that is beyond what its model was taught. */
export const limits = {
  guess: 'This does not look like the drawings the practice model knows. A guess:',
  strange:
    'The practice model was not taught questions with {{words}}; it answers about what, how many, which colour and where.',
  varied: 'Sampled, because your settings give the same words each time.',
} as const
