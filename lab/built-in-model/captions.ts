/** Pictures of scenes and what a model says of them, for scripts that measure answers. */
import { asDrawn, asPhotographed } from '../../models/drawn-scenes/photograph.ts'
import { decodeImage } from '../../src/cli/decode-image.ts'
import type { Pixels } from '../../src/image/pixels.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import { lastOf } from '../../testing/parity/reference.ts'
import type { SeenImage } from '../../src/runtime/models/look.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import type { Scene } from '../../src/scenes/scene.ts'

/** Tokens: the longest caption of five objects has some forty. */
export const LONGEST_CAPTION = 60

/** As the app sees a picture file: decoded, resized and normalised by its own code. */
export async function pixelsOf(scene: Scene, model: TalkingModel, { noise = false } = {}): Promise<Pixels> {
  const picture = noise ? asPhotographed(scene) : asDrawn(scene)
  const png = await (await picture.take()).png().toBuffer()
  return preprocess(await decodeImage(png), model.manifest.preprocessing)
}

/** A greedy caption, its ids, and the mean of their natural log-probabilities. */
export interface GreedyCaption {
  text: string
  ids: number[]
  score: number
}

export async function captionOf(model: TalkingModel, pixels: Pixels): Promise<GreedyCaption> {
  return captionOfSeen(model, await model.look.see(pixels))
}

/** The same of a picture that was looked at. Takes over `seen`. */
export async function captionOfSeen(model: TalkingModel, seen: SeenImage): Promise<GreedyCaption> {
  const steps = model.talk.answer(seen, { prompt: '', maxNewTokens: LONGEST_CAPTION })
  const { text, tokenIds, answers } = await lastOf(steps)
  return { text, ids: tokenIds, score: answers[0]?.score ?? NaN }
}
