/** A vision encoder's kernels, all compiled for a device before the first of them runs. */
import { Compiler, type CompiledKernel } from '../gpu/kernel.ts'
import { blockAttentionKernel } from '../kernels/block-attention/block-attention.ts'
import { patchesKernel } from '../kernels/patches/patches.ts'
import { wideFinishKernel, wideNormKernel } from '../kernels/wide-finish/wide-finish.ts'
import { wideFormatName, wideTileKernel, type WideFormat } from '../kernels/wide-tile/wide-tile.ts'
import type { EncoderLayout } from './encoder-layout.ts'
import { BLOCK_PRODUCTS, type BlockProduct, type EncoderPlaces, type WideMatrix } from './encoder-weights.ts'

/** Of the convolution at the front, which is turned around as it is uploaded. */
const PATCH_FORMAT: WideFormat = { dense: 'float32' }

export interface EncoderKernels {
  patches: CompiledKernel
  patchTile: CompiledKernel
  /** For matrices of this format. */
  tileFor(matrix: WideMatrix): CompiledKernel
  attention: CompiledKernel
  finish: Record<BlockProduct | 'entry' | 'features', CompiledKernel>
  norm: CompiledKernel | null
}

/** All at once: browsers compile in parallel. Kernels with the same code are one. `limitMs`: what one may take. */
export async function compileEncoder(
  device: GPUDevice,
  layout: EncoderLayout,
  places: EncoderPlaces,
  limitMs = Infinity,
): Promise<EncoderKernels> {
  const compiler = new Compiler(device, limitMs)
  const tile = (format: WideFormat): Promise<CompiledKernel> =>
    compiler.compiled(wideTileKernel(format, layout.tiles, compiler.packed4x8))
  const matrices = places.blocks.flatMap((block) => BLOCK_PRODUCTS.map((name) => block[name].matrix))
  const formats = new Map(matrices.map(({ format }) => [wideFormatName(format), format]))
  const entry = layout.finish('patch')
  const [patches, patchTile, attention, tiles, finish, norm] = await Promise.all([
    compiler.compiled(patchesKernel(layout.patches)),
    tile(PATCH_FORMAT),
    compiler.compiled(blockAttentionKernel(layout.attention, layout.attentionBlocks)),
    Promise.all([...formats].map(async ([name, format]) => [name, await tile(format)] as const)),
    compiler.all({
      entry: wideFinishKernel(entry),
      qkv: wideFinishKernel(layout.finish('qkv')),
      projection: wideFinishKernel(layout.finish('projection')),
      fc1: wideFinishKernel(layout.finish('fc1')),
      fc2: wideFinishKernel(layout.finish('fc2')),
      features: wideFinishKernel(layout.finish('fc2', true)),
    }),
    places.preNorm === null
      ? null
      : compiler.compiled(wideNormKernel(entry.outputs, layout.tiles, places.epsilons.blocks)),
  ])
  const byFormat = new Map(tiles)
  const tileFor = ({ format }: WideMatrix): CompiledKernel => {
    const kernel = byFormat.get(wideFormatName(format))
    if (kernel === undefined) throw new Error(`There are no tiles for ${wideFormatName(format)}.`)
    return kernel
  }
  return { patches, patchTile, attention, norm, finish, tileFor }
}
