import type { TranslatedNamespace } from '../translated.ts'

export const settings: TranslatedNamespace<'settings'> = {
  heading: 'Réglages',
  language: 'Langue',
  auto: 'Comme le navigateur',
  appearance: 'Apparence',
  themes: { auto: 'Comme le système', light: 'Clair', dark: 'Sombre' },
  how: 'Manière de répondre',
  presets: {
    quick: { name: 'Rapide', hint: 'le mot le plus probable à chaque fois' },
    caption: { name: 'Légende', hint: 'cinq faisceaux, au moins huit jetons, comme LAVIS pour COCO' },
    short: { name: 'Réponse courte', hint: 'dix jetons au plus' },
    creative: { name: 'Créative', hint: 'tirée parmi les mots les plus probables, différente à chaque fois' },
    vqa: {
      name: 'LAVIS VQA',
      hint: 'cinq faisceaux, dix jetons au plus, réponses courtes favorisées (pénalité de longueur -1)',
    },
    own: { name: 'La mienne', hint: 'chaque réglage à la main' },
  },
  begins: 'La légende commence par',
  tuned:
    'Ce modèle a été ajusté sur des légendes qui commencent par « {{prompt}} ». Tant que ce champ est vide, elles commencent ainsi.',
  template: 'Comment une question est posée au modèle',
  templateProblem:
    'Dites où va la question : écrivez {question} quelque part. D’ici là, « {{kept}} » est utilisé.',
  templateBack: 'Revenir à celle de BLIP-2',
  memory: {
    label: 'Mémoire',
    auto: 'Automatique',
    keep: 'Tout garder chargé',
    spare: 'Économiser la mémoire',
    hint: 'Économiser met de côté la partie qui regarde les images jusqu’à la prochaine, qui prend alors un peu plus de temps.',
  },
  kernels: {
    label: 'Nos propres noyaux',
    never: 'Désactivés',
    auto: 'Sur les cartes graphiques, là où ils sont plus rapides',
    always: 'Aussi sur les adaptateurs logiciels',
    hint: 'Ils accélèrent le modèle de langage sur une carte graphique. Ils sont essayés au premier chargement : là où ils diffèrent d’ONNX Runtime, sont plus lents ou échouent, c’est ONNX Runtime qui est utilisé, et « Cet appareil » dit pourquoi. Un changement vaut à partir du prochain chargement.',
  },
  own: {
    legend: 'Ma propre manière de répondre',
    maxNewTokens: 'Réponse la plus longue, en jetons',
    minNewTokens: 'Réponse la plus courte, en jetons',
    beams: 'Faisceaux',
    lengthPenalty: 'Pénalité de longueur',
    repetitionPenalty: 'Pénalité de répétition',
    noRepeatNgram: 'Aucun n-gramme deux fois, de cette taille',
    answers: 'Réponses',
    sample: 'Tirer au sort au lieu de choisir le meilleur',
    temperature: 'Température',
    topK: 'Top-k (0 pour tous)',
    topP: 'Top-p',
    seed: 'Graine',
    lastUsed: 'Les derniers réglages valables sont utilisés.',
    back: 'Revenir à la recherche simple',
  },
}
