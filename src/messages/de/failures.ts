import type { TranslatedNamespace } from '../translated.ts'

export const failures: TranslatedNamespace<'failures'> = {
  'bad-usage': 'So geht es nicht.',
  'bad-image': 'Dieses Bild lässt sich nicht lesen; speichern Sie es neu, oder nehmen Sie ein anderes.',
  'image-too-large': 'Dieses Bild ist zu groß; verkleinern Sie es.',
  'bad-checkpoint': 'Die Dateien dieses Modells sind nicht in Ordnung; holen Sie sie noch einmal.',
  'unsupported-model': 'Dieses Modell lässt sich hier nicht verwenden; nehmen Sie ein anderes.',
  'bad-pack':
    'Dieses Modell ist nicht in Ordnung; fügen Sie es noch einmal hinzu, oder nehmen Sie ein anderes.',
  'bad-file': 'Diese Datei lässt sich so nicht verwenden.',
  corrupt: 'Etwas Gespeichertes ist beschädigt.',
  'not-found': 'Etwas, das gebraucht wird, ist nicht da.',
  'no-space': 'Der Speicherplatz reicht nicht; schaffen Sie Platz.',
  network: 'Die Verbindung ist gestört; versuchen Sie es wieder, wenn sie besser ist.',
  stalled: 'Es kommt nichts mehr an; versuchen Sie es noch einmal.',
  busy: 'Das wird gerade benutzt, vielleicht in einem anderen Tab; warten Sie, oder schließen Sie ihn.',
  forbidden: 'Das darf nicht geöffnet oder geschrieben werden; erlauben Sie es zuerst.',
  'bad-response': 'Der Server hat etwas anderes geschickt als verlangt; prüfen Sie die Adresse.',
  'upstream-changed': 'Das wurde inzwischen auf dem Server geändert; fangen Sie noch einmal an.',
  'out-of-memory':
    'Der Arbeitsspeicher reicht nicht; schließen Sie andere Tabs, oder nehmen Sie ein kleineres Modell.',
  'device-lost': 'Das Grafikgerät ist nicht mehr da; laden Sie das Modell noch einmal.',
  unresponsive: 'Es kam keine Antwort mehr; versuchen Sie es noch einmal.',
  'prompt-too-long': 'Das ist zu lang für das Modell; fassen Sie es kürzer.',
  'no-words': 'Das Modell hat keine Wörter geschrieben.',
  cancelled: 'Angehalten.',
  bug: 'Etwas Unerwartetes ist schiefgegangen; versuchen Sie es noch einmal.',
}
