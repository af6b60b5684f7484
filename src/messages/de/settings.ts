import type { TranslatedNamespace } from '../translated.ts'

export const settings: TranslatedNamespace<'settings'> = {
  heading: 'Einstellungen',
  language: 'Sprache',
  auto: 'Wie der Browser',
  appearance: 'Darstellung',
  themes: { auto: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
  how: 'Wie geantwortet wird',
  presets: {
    quick: { name: 'Schnell', hint: 'jedes Mal das wahrscheinlichste Wort' },
    caption: { name: 'Bildunterschrift', hint: 'fünf Strahlen, mindestens acht Token, wie LAVIS für COCO' },
    short: { name: 'Kurze Antwort', hint: 'höchstens zehn Token' },
    creative: { name: 'Kreativ', hint: 'aus den wahrscheinlichsten Wörtern gezogen, jedes Mal anders' },
    vqa: {
      name: 'LAVIS VQA',
      hint: 'fünf Strahlen, höchstens zehn Token, kurze Antworten bevorzugt (Längenstrafe -1)',
    },
    own: { name: 'Eigene', hint: 'jede Einstellung von Hand' },
  },
  begins: 'Bildunterschrift beginnt mit',
  tuned:
    'Dieses Modell wurde auf Bildunterschriften abgestimmt, die mit „{{prompt}}“ beginnen. Solange hier nichts steht, tun sie das.',
  template: 'Wie eine Frage dem Modell gestellt wird',
  templateProblem:
    'Sagen Sie, wohin die Frage kommt: Schreiben Sie irgendwo {question}. Bis dahin gilt „{{kept}}“.',
  templateBack: 'Zurück zur Form von BLIP-2',
  memory: {
    label: 'Arbeitsspeicher',
    auto: 'Automatisch',
    keep: 'Alles geladen lassen',
    spare: 'Speicher sparen',
    hint: 'Beim Sparen wird der Teil, der Bilder ansieht, bis zum nächsten Bild weggelegt; das dauert dann etwas länger.',
  },
  kernels: {
    label: 'Eigene Kernel',
    never: 'Aus',
    auto: 'Auf Grafikkarten, wo sie schneller sind',
    always: 'Auch in Software',
    hint: 'Sie machen das Sprachmodell auf einer Grafikkarte schneller. Beim ersten Laden werden sie geprüft: Wo sie anders rechnen als ONNX Runtime, langsamer sind oder versagen, wird ONNX Runtime benutzt, und „Dieses Gerät“ sagt, warum. Eine Änderung gilt ab dem nächsten Laden.',
  },
  own: {
    legend: 'Meine eigene Art zu antworten',
    maxNewTokens: 'Längste Antwort, in Token',
    minNewTokens: 'Kürzeste Antwort, in Token',
    beams: 'Strahlen (Beams)',
    lengthPenalty: 'Längenstrafe',
    repetitionPenalty: 'Wiederholungsstrafe',
    noRepeatNgram: 'Kein N-Gramm zweimal, dieser Länge',
    answers: 'Antworten',
    sample: 'Ziehen, statt das Beste zu wählen',
    temperature: 'Temperatur',
    topK: 'Top-k (0 für alle)',
    topP: 'Top-p',
    seed: 'Startwert',
    lastUsed: 'Die letzten passenden Einstellungen gelten.',
    back: 'Zurück zur einfachen Suche',
  },
}
