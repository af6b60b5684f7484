/** The patches of a picture by channel, so that the convolution at a vision encoder's front is a product like any other. */
import type { Kernel } from '../../gpu/kernel.ts'
import type { TokenTiles } from '../wide-tile/token-tiles.ts'

export interface PatchesShape {
  imageSize: number
  patchSize: number
  tiles: TokenTiles
}

const THREADS = 64

/** Values of a patch. */
export function patchInputs({ patchSize }: Pick<PatchesShape, 'patchSize'>): number {
  return 3 * patchSize ** 2
}

export function patchesWorkgroups(shape: PatchesShape): [number, number, number] {
  return [Math.ceil((patchInputs(shape) * shape.tiles.quads) / THREADS), 1, 1]
}

/** Bindings: pixels [3, size, size], output [3 · patch², columns]. The class token's column and those behind the last are 0. */
export function patchesKernel(shape: PatchesShape): Kernel {
  const { imageSize, patchSize, tiles } = shape
  const grid = Math.floor(imageSize / patchSize)
  const code = `
@group(0) @binding(0) var<storage, read> pixels: array<f32, ${3 * imageSize ** 2}>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;

fn pixel(i: u32, token: u32) -> f32 {
  if (token == 0u || token >= ${tiles.tokens}u) { return 0.0; }
  let place = token - 1u;
  let y = place / ${grid}u * ${patchSize}u + i / ${patchSize}u % ${patchSize}u;
  let x = place % ${grid}u * ${patchSize}u + i % ${patchSize}u;
  return pixels[(i / ${patchSize ** 2}u * ${imageSize}u + y) * ${imageSize}u + x];
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${patchInputs(shape) * tiles.quads}u) { return; }
  let i = id.x / ${tiles.quads}u;
  let token = 4u * (id.x % ${tiles.quads}u);
  output[id.x] = vec4f(pixel(i, token), pixel(i, token + 1u), pixel(i, token + 2u), pixel(i, token + 3u));
}
`
  return { label: `patches ${imageSize} by ${patchSize}`, code, bindings: ['read', 'write'] }
}
