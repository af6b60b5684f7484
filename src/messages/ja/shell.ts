import type { TranslatedNamespace } from '../translated.ts'

export const shell: TranslatedNamespace<'shell'> = {
  tagline: '自分の端末の中で、画像について会話できます。データが外に出ることはありません。',
  newConversation: '新規',
  places: '場所',
  talk: '会話',
  notHere: 'このリンクの会話は、このブラウザーには保存されていません。',
}
