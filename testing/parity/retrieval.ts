/** Compares what a model of stage 1 computes with what transformers computed from the same checkpoint. */
import type { Pixels } from '../../src/image/pixels.ts'
import type { PackReader } from '../../src/pack/manifest.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openRetrievalModel } from '../../src/runtime/models/models.ts'
import type { RetrievalModel } from '../../src/runtime/models/retrieval.ts'
import type { EncodedPicture } from '../../src/runtime/retrieval/text-q-former.ts'
import { contrast } from '../../src/runtime/retrieval/scores.ts'
import { storedValues, worstError, type ReadFile } from './reference.ts'

export const RETRIEVAL_CHECKPOINTS = ['itm-odd', 'itm-half', 'itm-brain'] as const

export interface RetrievalReference {
  texts: string[]
  ids: number[][]
  /** [images][texts] */
  itc: number[][]
  /** [images][texts][2] */
  itmLogits: number[][][]
  tokenizerCases: { text: string; ids: number[] }[]
}

export async function readRetrievalReference(read: ReadFile, name: string): Promise<RetrievalReference> {
  const bytes = await read(`${name}/reference.json`)
  if (bytes === undefined) throw new Error(`${name} has no reference.json`)
  return JSON.parse(new TextDecoder().decode(bytes)) as RetrievalReference
}

/**
 * The largest difference over the largest reference value, by call and what it was called with. `few`: of one picture
 * and three texts, where each run is slow.
 */
export async function retrievalErrors(
  read: ReadFile,
  name: string,
  pack: PackReader,
  compute: Compute,
  { few = false } = {},
): Promise<Map<string, number>> {
  const model = await openRetrievalModel(pack, compute)
  const whole = await readRetrievalReference(read, name)
  const [pictures, count] = few ? [1, 3] : [whole.itc.length, whole.texts.length]
  const reference = {
    texts: whole.texts.slice(0, count),
    itc: whole.itc.slice(0, pictures).map((row) => row.slice(0, count)),
    itmLogits: whole.itmLogits.slice(0, pictures).map((row) => row.slice(0, count)),
  }
  const stored = await storedValues(read, `${name}/reference.safetensors`)
  const errors = new Map<string, number>()
  const compare = async (call: string, tensor: string, ours: Float32Array): Promise<void> => {
    errors.set(`${call} ${tensor}`, worstError(ours, await stored(tensor)))
  }
  const texts = await model.textFeatures(reference.texts)
  for (const [t, text] of texts.entries()) {
    await compare('text features', `text${t}.text_output`, text.output)
    await compare('text features', `text${t}.text_embeds`, text.vectors)
  }
  for (let i = 0; i < pictures; i += 1) {
    const size = pack.manifest.parts.vision.shape.imageSize
    const data = await stored(`image${i}.pixel_values`)
    const picture = await model.encode({ data, size, brand: 'pixels' } satisfies Pixels)
    try {
      await compareImage(model, picture, i, reference, compare)
      const { vectors } = await model.imageFeatures(picture)
      const cosines = Float32Array.from(texts, ({ vector }) => contrast(vectors, vector))
      errors.set(`contrast image${i}`, worstError(cosines, Float32Array.from(reference.itc[i] ?? [])))
      const pairs = await model.match(picture, reference.texts, { read: texts })
      const logits = Float32Array.from(pairs.flatMap(({ logits: pair }) => [...pair]))
      errors.set(
        `matching image${i}`,
        worstError(logits, Float32Array.from((reference.itmLogits[i] ?? []).flat())),
      )
    } finally {
      picture.features.dispose()
    }
  }
  await model.dispose()
  return errors
}

async function compareImage(
  model: RetrievalModel,
  picture: EncodedPicture,
  i: number,
  { texts }: Pick<RetrievalReference, 'texts'>,
  compare: (call: string, tensor: string, ours: Float32Array) => Promise<void>,
): Promise<void> {
  await compare('vision', `image${i}.image_features`, await model.visionFeatures(picture))
  const { queryOutput, vectors } = await model.imageFeatures(picture)
  await compare('image features', `image${i}.query_output`, queryOutput)
  await compare('image features', `image${i}.image_embeds`, vectors)
  for (const [t, pair] of (await model.multimodalFeatures(picture, texts)).entries())
    await compare('multimodal features', `pair${i}.${t}.multimodal_embeds`, pair.queryOutput)
  const alone = await model.attention(picture, null)
  await compare('attention', `image${i}.cross_attention`, alone.byHead)
  const withText = await model.attention(picture, texts[2] ?? '')
  await compare('attention', `image${i}.cross_attention_with_text`, withText.byHead)
}
