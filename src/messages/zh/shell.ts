import type { TranslatedNamespace } from '../translated.ts'

export const shell: TranslatedNamespace<'shell'> = {
  tagline: '在您自己的设备上谈论图片，任何内容都不会离开此设备。',
  newConversation: '新建',
  places: '位置',
  talk: '对话',
  notHere: '此链接指向的对话未保存在此浏览器中。',
}
