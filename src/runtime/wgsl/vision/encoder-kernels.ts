/** A vision encoder's kernels, all compiled for a device before the first of them runs. */
import { CompiledKernel, type Kernel } from '../gpu/kernel.ts'
import { blockAttentionKernel } from '../kernels/block-attention/block-attention.ts'
import { patchesKernel } from '../kernels/patches/patches.ts'
import { wideFinishKernel, wideNormKernel } from '../kernels/wide-finish/wide-finish.ts'
import { wideTileKernel, type WideFormat } from '../kernels/wide-tile/wide-tile.ts'
import type { EncoderLayout } from './encoder-layout.ts'
import type { EncoderPlaces, WideMatrix } from './encoder-weights.ts'

/** Of the convolution at the front, which is turned around as it is uploaded. */
const PATCH_FORMAT: WideFormat = { dense: 'float32' }

const FINISHES = ['entry', 'qkv', 'projection', 'fc1', 'fc2', 'features'] as const

export interface EncoderKernels {
  patches: CompiledKernel
  patchTile: CompiledKernel
  /** For matrices of this format. */
  tileFor(matrix: WideMatrix): CompiledKernel
  attention: CompiledKernel
  finish: Record<(typeof FINISHES)[number], CompiledKernel>
  norm: CompiledKernel | null
}

/** All at once: browsers compile in parallel. Kernels with the same code are one. `limitMs`: what one may take. */
export async function compileEncoder(
  device: GPUDevice,
  layout: EncoderLayout,
  places: EncoderPlaces,
  limitMs = Infinity,
): Promise<EncoderKernels> {
  const packed4x8 = navigator.gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product')
  const known = new Map<string, Promise<CompiledKernel>>()
  const compiled = (kernel: Kernel): Promise<CompiledKernel> => {
    const one = known.get(kernel.code) ?? CompiledKernel.of(device, kernel, limitMs)
    known.set(kernel.code, one)
    return one
  }
  const tile = (format: WideFormat): Promise<CompiledKernel> =>
    compiled(wideTileKernel(format, layout.tiles, packed4x8))
  const formats = new Map<string, WideFormat>()
  for (const block of places.blocks)
    for (const { format } of [block.qkv, block.projection, block.fc1, block.fc2].map(({ matrix }) => matrix))
      formats.set(JSON.stringify(format), format)
  const shapes = {
    entry: layout.finish('patch'),
    qkv: layout.finish('qkv'),
    projection: layout.finish('projection'),
    fc1: layout.finish('fc1'),
    fc2: layout.finish('fc2'),
    features: layout.finish('fc2', true),
  }
  const [patches, patchTile, attention, tiles, finishes, norm] = await Promise.all([
    compiled(patchesKernel(layout.patches)),
    tile(PATCH_FORMAT),
    compiled(blockAttentionKernel(layout.attention, layout.attentionBlocks)),
    Promise.all([...formats].map(async ([key, format]) => [key, await tile(format)] as const)),
    Promise.all(
      FINISHES.map(async (name) => [name, await compiled(wideFinishKernel(shapes[name]))] as const),
    ),
    places.preNorm === null
      ? null
      : compiled(wideNormKernel(shapes.entry.outputs, layout.tiles, places.epsilons.blocks)),
  ])
  const byFormat = new Map(tiles)
  return {
    patches,
    patchTile,
    attention,
    norm,
    finish: Object.fromEntries(finishes) as EncoderKernels['finish'],
    tileFor: ({ format }) => byFormat.get(JSON.stringify(format)) ?? patchTile,
  }
}
