/** Pictures of an index in the order of their likeness. */
import { AppError } from '../pack/failure.ts'
import type { FoundPicture } from '../protocol/search-calls.ts'
import { dateOf, fileKey, type PictureFacts } from '../search/entries.ts'
import type { PictureIndex } from '../search/picture-index.ts'
import { likenessOf, meanRow, unrounded } from '../search/vectors.ts'

/** Pictures that are compared query by query, of those that one vector finds. */
const ALIKE_COMPARED = 256

/** `likeness` is null where nothing was asked for. */
export function found(facts: PictureFacts, likeness: number | null): FoundPicture {
  const { source, path, name, bytes, sha256, width, height } = facts
  const date = dateOf(facts)
  return { key: fileKey(facts), source, path, name, bytes, date, sha256, width, height, likeness }
}

/** All pictures, the most alike to a vector [d] first. */
export function byLikeness(index: PictureIndex, vector: Float32Array): FoundPicture[] {
  return index
    .score(vector)
    .sort((a, b) => b.score - a.score)
    .map(({ facts, score }) => found(facts, score))
}

/** The most alike to a picture of the index first: one vector finds the nearest, and those are compared query by query. Throws `not-found`. */
export function alike(index: PictureIndex, key: string): FoundPicture[] {
  const own = index.vectors(key)
  if (own === undefined) throw new AppError('not-found', 'This picture is not in the index any more.')
  const { width } = index.shape
  const exact = unrounded(own)
  return byLikeness(index, meanRow(exact, width))
    .slice(0, ALIKE_COMPARED)
    .flatMap((picture) => {
      const other = index.vectors(picture.key)
      return other === undefined ? [] : [{ ...picture, likeness: likenessOf(exact, unrounded(other), width) }]
    })
    .sort((a, b) => b.likeness - a.likeness)
}
