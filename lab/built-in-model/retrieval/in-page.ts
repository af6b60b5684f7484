/** One precision in a browser: every scene is looked at and every caption read there, and likeness finds. */
import { preprocess } from '../../../src/image/preprocess.ts'
import { rowsOf } from '../../../src/image/pixels.ts'
import type { Provider } from '../../../src/pack/device-report.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import { openRetrievalModel } from '../../../src/runtime/models/models.ts'
import { contrastMatrix } from '../../../src/runtime/retrieval/scores.ts'
import { openHttpPack } from '../../../src/store/http-pack.ts'
import { recallsOf } from './recalls.ts'

export interface FindRequest {
  /** Of the pack, with a slash at its end. */
  pack: string
  /** Of all scenes one behind the other, RGB rows of `size` pixels a side. */
  scenes: string
  size: number
  captions: string[]
  provider: Provider
}

export async function findInPage({ pack, scenes, size, captions, provider }: FindRequest): Promise<string> {
  const startedAt = performance.now()
  const compute = await openCompute(provider)
  const model = await openRetrievalModel(await openHttpPack(pack), compute, { warmUp: false })
  const bytes = new Uint8Array(await (await fetch(scenes)).arrayBuffer())
  const texts = await model.textFeatures(captions)
  const each = 3 * size * size
  const vectors: Float32Array[] = []
  for (const i of captions.keys()) {
    const rows = rowsOf(size, size, bytes.subarray(i * each, (i + 1) * each))
    const picture = await model.encode(preprocess(rows, model.manifest.preprocessing))
    vectors.push((await model.imageFeatures(picture)).vectors)
    picture.features.dispose()
    if (i % 100 === 99) console.warn(`  ${i + 1} of ${captions.length}`)
  }
  const rows = contrastMatrix(
    vectors,
    texts.map(({ vector }) => vector),
  )
  await model.dispose()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  return `${recallsOf(rows, captions)} on ${compute.provider}${compute.f16 ? ' with f16' : ''}, ${seconds} s`
}
