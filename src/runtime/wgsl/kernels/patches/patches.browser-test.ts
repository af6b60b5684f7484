import { expect, it } from 'vitest'
import { kernelBench, numbersOf, shapes } from '../../../../../testing/gpu/kernel-bench.ts'
import { byChannel } from '../wide-tile/reference.ts'
import { tokenTiles } from '../wide-tile/token-tiles.ts'
import { patchInputs, patchesKernel, patchesWorkgroups } from './patches.ts'
import { patchesReference } from './reference.ts'

const bench = kernelBench()

it.each(
  shapes(
    // Two pixels behind the last whole patch are not looked at.
    [{ imageSize: 14, patchSize: 4 }],
    [
      { imageSize: 224, patchSize: 14 },
      { imageSize: 9, patchSize: 3 },
    ],
  ),
)('cuts $imageSize pixels into patches of $patchSize behind a column of zeros', async (of) => {
  const tiles = tokenTiles(1 + Math.floor(of.imageSize / of.patchSize) ** 2, 32_768)
  const pixels = numbersOf(of.imageSize).uniform(3 * of.imageSize ** 2)
  const shape = { ...of, tiles }
  const count = patchInputs(shape) * 4 * tiles.quads
  const output = bench.buffer(new Float32Array(count).fill(NaN))
  await bench.run(patchesKernel(shape), [bench.buffer(pixels), output], patchesWorkgroups(shape))
  expect(await bench.floats(output, count)).toEqual(byChannel(patchesReference(pixels, of), tiles))
})
