/** Words of the page that shows how the Q-Former works. */
export const inside = {
  name: 'Inside',
  link: 'Look inside: how such a model sees a picture',
  heading: 'Inside the Q-Former',
  intro:
    'BLIP-2 puts a small network, the Q-Former, between a frozen eye and a frozen language model. Here one can watch it at work, on the built-in model and its drawn scenes. Nothing leaves this device.',
  scene: 'The scene that is looked into: {{caption}}',
  words: 'Words about the picture',
  look: 'Look',
  another: 'Another scene',
  looking: 'Looking…',
  stages: {
    heading: 'What each stage sees',
    intro:
      'Each stage gets only what the one before hands on. Of the picture’s pixels the language model sees nothing: all that it knows of the picture has passed through the queries.',
    stage: 'What is handed on',
    published: 'BLIP-2 as published',
    pixels: 'Picture, in pixels',
    patches: 'Patches',
    features: 'Image features: class token and patches × numbers',
    queries: 'Query outputs: queries × numbers',
    vectors: 'Vectors for comparing: queries × numbers',
    language: 'What the language model reads: queries × numbers',
  },
  queries: {
    heading: 'Where each query looks',
    intro_one:
      '{{count, number}} learned query looks at the patches. Bright is where it attends in one layer, averaged over the heads.',
    intro_other:
      '{{count, number}} learned queries look at the patches. Bright is where each of them attends in one layer, averaged over the heads.',
    layer: 'Layer',
    withText: 'while the queries see the words',
    one: 'Query {{number, number}}: likeness to the words {{likeness}}',
    best: 'It is the most alike, and counts.',
    caution:
      'Each small picture is scaled to its own brightest patch, so that brightness cannot be compared between queries. A query has no fixed meaning, and attention is no explanation: averages of it mislead.',
  },
  outcome: {
    contrast: 'Contrast',
    contrastSays:
      'The best query counts: number {{number, number}}, cosine {{likeness}}. Words and picture have not seen each other.',
    matching: 'Matching',
    matchingSays: 'Queries and words read each other: the model gives {{share}} for belonging together.',
  },
  masks: {
    heading: 'Three masks, three tasks',
    intro:
      'The same weights learn three tasks; only what may see what differs. Rows look at columns: four queries first, then four words. Filled is seen.',
    apart: {
      name: 'Contrast.',
      says: 'Queries see queries and words see words, so that each can be worked out without the other and pictures can be searched.',
    },
    together: {
      name: 'Matching.',
      says: 'All see all, so that details of the words can be held against the picture.',
    },
    causal: {
      name: 'Writing.',
      says: 'Queries see only each other; each word sees all queries and the words before it, and learns to say the next.',
    },
    head: 'The built-in model that compares was not taught the third task; checkpoints as LAVIS publishes them bring its head, and then it writes captions.',
  },
} as const
