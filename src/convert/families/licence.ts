/** What the licence of a checkpoint's card does not say. */
import type { Blip2Config } from './blip2-opt.ts'

/** Rows of OPT's published vocabulary; no other OPT has as many. */
const PUBLISHED_VOCABULARY = 50265

const OPT_NOTICE =
  "The language model in it is Meta's OPT, whose weights Meta published under the OPT-175B licence: for " +
  "non-commercial research only, whatever the checkpoint's card says. Read that licence before you use or pass on this model."

/** Sentences that must go with the model, or undefined when there are none. */
export function licenceNotice({ text }: Blip2Config): string | undefined {
  return text.vocabulary >= PUBLISHED_VOCABULARY ? OPT_NOTICE : undefined
}
