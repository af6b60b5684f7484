/** Finds the pictures of a folder that a text fits best. Runs in the thread of models. */
import { join } from 'node:path'
import { AppError } from '../pack/failure.ts'
import type { RetrievalModel } from '../runtime/models/retrieval.ts'
import type { EncodedPicture } from '../runtime/retrieval/text-q-former.ts'
import { contrast, matchProbability, RERANKED, retrieve } from '../runtime/retrieval/scores.ts'
import { checkTexts, percent, withModel } from './compare.ts'
import { eachPicture } from './each-picture.ts'
import { findPictures } from './find-pictures.ts'
import { fromHere } from './from-here.ts'
import { readPixels } from './read-pixels.ts'
import { statFolder } from './stat-folder.ts'
import type { PictureFlags, Run } from './talk.ts'

export interface SearchRequest {
  pack: string
  folder: string
  flags: PictureFlags & { text: string; top: number; json?: boolean }
}

interface Candidate {
  image: string
  itc: number
  /** Kept while it is among the best, which are looked at a second time. */
  picture: EncodedPicture | null
}

/**
 * Every picture is looked at once: likeness with the text finds the best, matching orders them anew. Gives how many of
 * the folder's pictures could not be read; they do not keep the others from being found.
 */
export async function search({ pack, folder, flags }: SearchRequest, run: Run): Promise<number> {
  checkTexts([flags.text])
  await statFolder(fromHere(folder))
  const { paths } = await findPictures(fromHere(folder), { recursive: true })
  const images = paths.map((path) => join(folder, path))
  if (images.length === 0)
    throw new AppError('not-found', `There are no pictures in ${folder} or the folders in it.`)
  return withModel(pack, flags, run, async (model) => {
    const candidates: Candidate[] = []
    try {
      const failures = await gather(model, images, flags, run, candidates)
      if (candidates.length === 0) return failures
      await report(model, candidates, flags, run)
      return failures
    } finally {
      for (const { picture } of candidates) picture?.features.dispose()
    }
  })
}

/** Looks at each picture; of those that are no longer among the best only the likeness is kept. */
async function gather(
  model: RetrievalModel,
  images: readonly string[],
  { text, alpha }: SearchRequest['flags'],
  run: Run,
  candidates: Candidate[],
): Promise<number> {
  const [read] = await model.textFeatures([text], run)
  const vector = read?.vector ?? new Float32Array()
  const kept: Candidate[] = []
  return eachPicture(images, run, async (image) => {
    const pixels = await readPixels(image, model.manifest.preprocessing, alpha)
    const picture = await model.encode(pixels, run)
    const candidate: Candidate = { image, itc: 0, picture }
    try {
      candidate.itc = contrast((await model.imageFeatures(picture)).vectors, vector)
    } catch (error) {
      picture.features.dispose()
      throw error
    }
    candidates.push(candidate)
    kept.push(candidate)
    kept.sort((a, b) => b.itc - a.itc)
    for (const dropped of kept.splice(RERANKED)) {
      dropped.picture?.features.dispose()
      dropped.picture = null
    }
  })
}

async function report(
  model: RetrievalModel,
  candidates: readonly Candidate[],
  { text, top, json }: SearchRequest['flags'],
  run: Run,
): Promise<void> {
  const found = await retrieve(
    candidates.map(({ itc }) => itc),
    async (indices) => {
      const pairs = []
      for (const index of indices) {
        const picture = candidates[index]?.picture
        if (picture === null || picture === undefined)
          throw new AppError('bug', 'A picture was let go of before it was looked at again.')
        pairs.push(...(await model.multimodalFeatures(picture, [text], run)))
      }
      return pairs.map(({ logits }) => logits)
    },
  )
  for (const { index, itc, logits, score } of found.slice(0, top)) {
    const image = candidates[index]?.image ?? ''
    const itm = logits === null ? null : matchProbability(logits)
    const line = `${image}: ${itm === null ? 'not looked at again' : `match ${percent(itm)}`}, likeness ${itc.toFixed(4)}`
    run.print(json ? JSON.stringify({ image, text, itc, itm, itm_logits: logits, score }) : line)
  }
}
