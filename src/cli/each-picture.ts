/** What several pictures are asked, one after the other. */
import { throwIfCancelled, toFailure } from '../pack/failure.ts'
import { sentenceOf } from './sentence.ts'
import type { Run } from './talk.ts'

/** One bad picture of several must not cost the others. Gives how many there were. */
export async function eachPicture(
  images: readonly string[],
  { signal, remark }: Pick<Run, 'signal' | 'remark'>,
  work: (image: string) => Promise<void>,
): Promise<number> {
  let failures = 0
  for (const image of images) {
    throwIfCancelled(signal)
    try {
      await work(image)
    } catch (error) {
      if (images.length === 1 || toFailure(error).code === 'cancelled') throw error
      failures += 1
      remark(sentenceOf(error, image))
    }
  }
  return failures
}
