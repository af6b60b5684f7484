import type { TranslatedNamespace } from '../translated.ts'

export const shell: TranslatedNamespace<'shell'> = {
  tagline: 'Converse sobre sus imágenes en su propio equipo. Nada sale de este dispositivo.',
  newConversation: 'Nueva',
  places: 'Lugares',
  talk: 'Conversar',
  notHere: 'La conversación a la que lleva este enlace no está guardada en este navegador.',
}
