import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  announced: 'C’est une supposition : le modèle d’essai n’est pas sûr de connaître ce que montre l’image.',
  guess: 'Le modèle d’essai n’est pas sûr de connaître ce que l’on voit ici. Une supposition :',
  strange:
    'Le modèle d’essai n’a pas appris les questions avec {{words}} ; il répond à quoi, combien, quelle couleur et où.',
  quoted: '« {{word}} »',
  varied: 'Tiré au sort, car vos réglages donnent chaque fois les mêmes mots.',
  takes: '{{range, durationRange}}, d’après ce qui vient d’être mesuré.',
  used: '{{size, bytes}} sont utilisés : {{models, bytes}} par ces modèles, {{rest, bytes}} par la page avec ses modèles intégrés, ses images et ses conversations.',
}
