import type { TranslatedNamespace } from '../translated.ts'

export const inside: TranslatedNamespace<'inside'> = {
  name: 'À l’intérieur',
  link: 'Regarder à l’intérieur : comment un tel modèle voit une image',
  heading: 'À l’intérieur du Q-Former',
  intro:
    'BLIP-2 place un petit réseau, le Q-Former, entre un œil figé et un modèle de langage figé. On peut ici le regarder travailler, sur le modèle intégré et ses scènes dessinées. Rien ne quitte cet appareil.',
  scene: 'La scène regardée : {{caption}}',
  words: 'Des mots sur l’image',
  look: 'Regarder',
  another: 'Autre scène',
  looking: 'Regarde…',
  stages: {
    heading: 'Ce que voit chaque étape',
    intro:
      'Chaque étape ne reçoit que ce que la précédente transmet. Des pixels de l’image, le modèle de langage ne voit rien : tout ce qu’il en sait est passé par les requêtes.',
    stage: 'Ce qui est transmis',
    published: 'BLIP-2 tel que publié',
    pixels: 'Image, en pixels',
    patches: 'Carreaux',
    features: 'Traits de l’image : jeton de classe et carreaux × nombres',
    queries: 'Sorties des requêtes : requêtes × nombres',
    vectors: 'Vecteurs à comparer : requêtes × nombres',
    language: 'Ce que lit le modèle de langage : requêtes × nombres',
  },
  queries: {
    heading: 'Où regarde chaque requête',
    intro_one:
      '{{count, number}} requête apprise regarde les carreaux. En clair, là où elle porte son attention dans une couche, en moyenne sur les têtes.',
    intro_other:
      '{{count, number}} requêtes apprises regardent les carreaux. En clair, là où chacune porte son attention dans une couche, en moyenne sur les têtes.',
    layer: 'Couche',
    withText: 'pendant que les requêtes voient les mots',
    one: 'Requête {{number, number}} : ressemblance avec les mots {{likeness}}',
    best: 'C’est la plus ressemblante, et elle compte.',
    caution:
      'Chaque petite image est rapportée à son propre carreau le plus clair : la clarté ne se compare pas d’une requête à l’autre. Une requête n’a pas de sens fixe, et l’attention n’est pas une explication : ses moyennes trompent.',
  },
  outcome: {
    contrast: 'Contraste',
    contrastSays:
      'La meilleure requête compte : la numéro {{number, number}}, cosinus {{likeness}}. Mots et image ne se sont pas vus.',
    matching: 'Correspondance',
    matchingSays: 'Requêtes et mots se lisent : le modèle donne {{share}} à l’idée qu’ils vont ensemble.',
  },
  masks: {
    heading: 'Trois masques, trois tâches',
    intro:
      'Les mêmes poids apprennent trois tâches ; seul change qui peut voir quoi. Les lignes regardent les colonnes : quatre requêtes d’abord, puis quatre mots. Plein signifie vu.',
    apart: {
      name: 'Contraste.',
      says: 'Les requêtes voient les requêtes et les mots voient les mots : chaque côté se calcule sans l’autre, et l’on peut chercher parmi des images.',
    },
    together: {
      name: 'Correspondance.',
      says: 'Tout voit tout, pour que les détails des mots soient confrontés à l’image.',
    },
    causal: {
      name: 'Écriture.',
      says: 'Les requêtes ne se voient qu’entre elles ; chaque mot voit toutes les requêtes et les mots qui le précèdent, et apprend à dire le suivant.',
    },
    head: 'Le modèle intégré qui compare n’a pas appris la troisième tâche ; les fichiers publiés par LAVIS apportent la tête qu’il faut, et il écrit alors des légendes.',
  },
}
