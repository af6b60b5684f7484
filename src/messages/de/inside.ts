import type { TranslatedNamespace } from '../translated.ts'

export const inside: TranslatedNamespace<'inside'> = {
  name: 'Innenansicht',
  link: 'Hineinsehen: wie ein solches Modell ein Bild sieht',
  heading: 'Im Inneren des Q-Formers',
  intro:
    'BLIP-2 setzt ein kleines Netz, den Q-Former, zwischen ein eingefrorenes Auge und ein eingefrorenes Sprachmodell. Hier kann man ihm bei der Arbeit zusehen, am eingebauten Modell und seinen gezeichneten Szenen. Nichts verlässt dieses Gerät.',
  scene: 'Die betrachtete Szene: {{caption}}',
  words: 'Worte zum Bild',
  look: 'Ansehen',
  another: 'Andere Szene',
  looking: 'Sieht hin …',
  stages: {
    heading: 'Was jede Stufe sieht',
    intro:
      'Jede Stufe bekommt nur, was die vorige weitergibt. Von den Pixeln des Bildes sieht das Sprachmodell nichts: Alles, was es vom Bild weiß, ist durch die Abfragen gegangen.',
    stage: 'Was weitergegeben wird',
    published: 'BLIP-2 wie veröffentlicht',
    pixels: 'Bild, in Pixeln',
    patches: 'Felder',
    features: 'Bildmerkmale: Klassentoken und Felder × Zahlen',
    queries: 'Ausgaben der Abfragen: Abfragen × Zahlen',
    vectors: 'Vektoren zum Vergleichen: Abfragen × Zahlen',
    language: 'Was das Sprachmodell liest: Abfragen × Zahlen',
  },
  queries: {
    heading: 'Wohin jede Abfrage sieht',
    intro_one:
      '{{count, number}} gelernte Abfrage betrachtet die Felder. Hell ist, worauf sie in einer Schicht achtet, gemittelt über die Köpfe.',
    intro_other:
      '{{count, number}} gelernte Abfragen betrachten die Felder. Hell ist, worauf jede in einer Schicht achtet, gemittelt über die Köpfe.',
    layer: 'Schicht',
    withText: 'während die Abfragen die Worte sehen',
    one: 'Abfrage {{number, number}}: Ähnlichkeit mit den Worten {{likeness}}',
    best: 'Sie ist die ähnlichste und zählt.',
    caution:
      'Jedes kleine Bild ist auf sein eigenes hellstes Feld bezogen; Helligkeit lässt sich also zwischen Abfragen nicht vergleichen. Eine Abfrage hat keine feste Bedeutung, und Aufmerksamkeit ist keine Erklärung: Mittelwerte davon führen in die Irre.',
  },
  outcome: {
    contrast: 'Kontrast',
    contrastSays:
      'Die beste Abfrage zählt: Nummer {{number, number}}, Kosinus {{likeness}}. Worte und Bild haben einander nicht gesehen.',
    matching: 'Abgleich',
    matchingSays:
      'Abfragen und Worte lesen einander: Dass beide zusammengehören, hält das Modell zu {{share}} für wahr.',
  },
  masks: {
    heading: 'Drei Masken, drei Aufgaben',
    intro:
      'Dieselben Gewichte lernen drei Aufgaben; nur wer wen sehen darf, ist verschieden. Zeilen sehen auf Spalten: erst vier Abfragen, dann vier Wörter. Gefüllt heißt gesehen.',
    apart: {
      name: 'Kontrast.',
      says: 'Abfragen sehen Abfragen, Wörter sehen Wörter; so lässt sich jedes ohne das andere berechnen, und Bilder lassen sich durchsuchen.',
    },
    together: {
      name: 'Abgleich.',
      says: 'Alle sehen alle, sodass Einzelheiten der Worte am Bild geprüft werden können.',
    },
    causal: {
      name: 'Schreiben.',
      says: 'Abfragen sehen nur einander; jedes Wort sieht alle Abfragen und die Wörter davor und lernt, das nächste zu sagen.',
    },
    head: 'Das eingebaute vergleichende Modell hat die dritte Aufgabe nicht gelernt; Dateien, wie LAVIS sie veröffentlicht, bringen den Kopf dafür mit, und dann schreibt es Bildunterschriften.',
  },
}
