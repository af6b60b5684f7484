/** Held-out scenes as the built-in model sees them. */
import { asDrawn } from '../../models/drawn-scenes/photograph.ts'
import { rowsOf, type RgbRows } from '../../src/image/pixels.ts'
import { openPackFolder } from '../../src/cli/files.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openRetrievalModel } from '../../src/runtime/models/models.ts'
import type { RetrievalModel } from '../../src/runtime/models/retrieval.ts'
import type { Scene } from '../../src/scenes/scene.ts'

export async function openBuiltIn(): Promise<RetrievalModel> {
  return openRetrievalModel(
    await openPackFolder('public/models/drawn-scenes-retrieval'),
    await openCompute('wasm'),
  )
}

/** A scene at `size` pixels a side, RGB. */
export async function drawnRows(scene: Scene, size: number): Promise<RgbRows> {
  const image = (await asDrawn(scene).take()).resize(size, size, { kernel: 'cubic', fit: 'fill' })
  return rowsOf(size, size, await image.removeAlpha().raw().toBuffer())
}
