import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  announced: 'Das ist geraten: Das Übungsmodell ist nicht sicher, dass es kennt, was das Bild zeigt.',
  guess: 'Das Übungsmodell ist nicht sicher, dass es kennt, was hier zu sehen ist. Geraten:',
  strange:
    'Fragen mit {{words}} hat das Übungsmodell nicht gelernt; es antwortet auf Was, Wie viele, Welche Farbe und Wo.',
  quoted: '„{{word}}“',
  varied: 'Gewürfelt, weil Ihre Einstellungen jedes Mal dieselben Worte geben.',
  takes: '{{range, durationRange}}, nach dem, was eben gemessen wurde.',
  used: '{{size, bytes}} sind belegt: {{models, bytes}} von diesen Modellen, {{rest, bytes}} von der Seite mit ihren eingebauten Modellen, Bildern und Gesprächen.',
}
