/** What the captions of a model begin with, so that it goes on from there as it was tuned to. */
import type { PackManifest } from './manifest.ts'

/** LAVIS' `prompt` of its models that were tuned for captions on COCO (`blip2_caption_*.yaml`). */
const TUNED_PROMPT = 'a photo of'

/**
 * Null for models that were not tuned so, and for those that compare. Nothing in a checkpoint says it, but its published
 * name does: `blip2-opt-2.7b-coco` on the hub, `blip2_caption_opt2.7b` of LAVIS.
 */
export function tunedPromptOf({ name, family }: Pick<PackManifest, 'name' | 'family'>): string | null {
  const tuned = /^blip2[-_].*-coco$|^blip2_caption_/i.test(name)
  return tuned && family !== 'blip2-itm' ? TUNED_PROMPT : null
}
