import type { TranslatedNamespace } from '../translated.ts'

export const shell: TranslatedNamespace<'shell'> = {
  tagline: 'Parlez de vos images, sur votre propre appareil. Rien n’en sort.',
  newConversation: 'Nouvelle',
  places: 'Espaces',
  talk: 'Parler',
  notHere: 'La conversation visée par ce lien n’est pas conservée dans ce navigateur.',
}
