import type { TranslatedNamespace } from '../translated.ts'

export const limits: TranslatedNamespace<'limits'> = {
  announced: 'これは推測です。練習用モデルは、この画像が示すものを知っているか確かではありません。',
  guess: '練習用モデルは、これが何かを確かには知りません。推測です：',
  strange: '練習用モデルは {{words}} を含む質問を学んでいません。何が、いくつ、何色、どこ、に答えます。',
  quoted: '「{{word}}」',
  varied: '設定のままでは毎回同じ言葉になるため、サンプリングしました。',
  takes: 'いま測定した結果では {{range, durationRange}}かかります。',
  used: '{{size, bytes}} を使用中：これらのモデルが {{models, bytes}}、内蔵モデル・画像・会話を含むページが {{rest, bytes}}。',
}
