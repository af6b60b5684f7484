import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  announced: '这是猜测：练习模型不确定自己认识图片中的内容。',
  guess: '练习模型不确定自己认识这里的内容。仅为猜测：',
  strange: '练习模型没有学过含有 {{words}} 的问题；它回答是什么、有多少、什么颜色、在哪里。',
  quoted: '“{{word}}”',
  varied: '您的设置每次都会给出同样的文字，因此这次采用了采样。',
  takes: '根据刚才的测量，需要 {{range, durationRange}}。',
  used: '已使用 {{size, bytes}}：这些模型占 {{models, bytes}}，页面及其内置模型、图片和对话占 {{rest, bytes}}。',
}
