/** Where the queries of a picture look, with a text or without one. */
import type { FramedTexts } from './framed-texts.ts'
import type { AttentionMaps } from './attention-maps.ts'
import { NO_TEXT, type EncodedPicture, type Row, type TextQFormer } from './text-q-former.ts'
import { joined } from './writing-sequence.ts'

/** By themselves, or (with a text) when they see it. `tokens`: of the picture. */
export async function attentionOf(
  { features }: EncodedPicture,
  text: string | null,
  { qFormer, texts, tokens }: { qFormer: TextQFormer; texts: FramedTexts; tokens: number },
): Promise<AttentionMaps> {
  const row: Row = { picture: 0, ids: text === null ? NO_TEXT : texts.idsOf(text) }
  const layers = await qFormer.attention(features, row, text === null ? 'apart' : 'together')
  const { heads, queries } = qFormer.shape
  return { layers: layers.length, heads, queries, tokens, byHead: joined(layers) }
}
