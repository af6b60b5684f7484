/** Pictures of scenes and what a model says of them, for scripts that measure answers. */
import sharp from 'sharp'
import { decodeImage } from '../src/cli/decode-image.ts'
import type { Pixels } from '../src/image/pixels.ts'
import { preprocess } from '../src/image/preprocess.ts'
import type { Blip2 } from '../src/runtime/blip2.ts'
import { drawScene } from '../src/scenes/draw.ts'
import type { Scene } from '../src/scenes/scene.ts'

export async function pixelsOf(scene: Scene, model: Blip2): Promise<Pixels> {
  const png = await sharp(Buffer.from(drawScene(scene)))
    .png()
    .toBuffer()
  return preprocess(await decodeImage(png), model.manifest.preprocessing)
}

/** The greedy caption, and its ids without the end. */
export async function captionOf(model: Blip2, pixels: Pixels): Promise<{ text: string; ids: number[] }> {
  let last = { text: '', ids: [] as number[] }
  const steps = model.answer(await model.see(pixels), { prompt: '', maxNewTokens: 40 })
  for await (const { text, tokenIds } of steps) last = { text, ids: tokenIds }
  return last
}
