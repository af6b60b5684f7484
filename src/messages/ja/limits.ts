import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  guess: '練習用モデルが知っている絵には見えません。推測です:',
  strange: '練習用モデルは {{words}} を含む質問を学んでいません。何が、いくつ、何色、どこ、に答えます。',
  varied: '設定のままでは毎回同じ言葉になるため、サンプリングしました。',
}
