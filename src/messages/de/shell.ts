import type { TranslatedNamespace } from '../translated.ts'

export const shell: TranslatedNamespace<'shell'> = {
  tagline: 'Sprechen Sie über Ihre Bilder, auf Ihrem eigenen Gerät. Nichts verlässt es.',
  newConversation: 'Neu',
  places: 'Bereiche',
  talk: 'Gespräch',
  notHere: 'Das Gespräch, zu dem dieser Link führt, ist in diesem Browser nicht gespeichert.',
}
