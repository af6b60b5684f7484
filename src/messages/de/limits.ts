import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  announced: 'Das ist geraten: Das Bild sieht nicht aus wie die Zeichnungen, die das Übungsmodell kennt.',
  guess: 'Das sieht nicht aus wie die Zeichnungen, die das Übungsmodell kennt. Geraten:',
  strange:
    'Fragen mit {{words}} hat das Übungsmodell nicht gelernt; es antwortet auf Was, Wie viele, Welche Farbe und Wo.',
  quoted: '„{{word}}“',
  varied: 'Gewürfelt, weil Ihre Einstellungen jedes Mal dieselben Worte geben.',
  takes: '{{range, durationRange}}, nach dem, was eben gemessen wurde.',
  used: '{{size, bytes}} sind belegt: {{models, bytes}} von diesen Modellen, {{rest, bytes}} von der Seite mit ihren eingebauten Modellen, Bildern und Gesprächen.',
}
