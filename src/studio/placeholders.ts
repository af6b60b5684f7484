/** What stands in a prompt, or around a caption, for something of each picture. */
import type { Dress } from './compose.ts'
import { nameOf, stemOf } from './picture-files.ts'

/** What is put in their places. */
export interface Particulars {
  /** Below the folder, with `/`. */
  path: string
  /** The name of the folder that is captioned. */
  root: string
  /** The text that is there; '' for none. */
  caption: string
}

/**
 * The text with `{name}`, the file's name without its ending, `{folder}`, the name of the folder that the picture lies in,
 * and `{caption}`. Every other brace stays.
 */
export function filledIn(text: string, { path, root, caption }: Particulars): string {
  const values = {
    name: nameOf(stemOf(path)),
    folder: path.split('/').at(-2) ?? root,
    caption: caption.trim(),
  }
  return text.replace(/\{(name|folder|caption)\}/g, (_, key: keyof typeof values) => values[key])
}

export function filledDress({ trigger, prefix, suffix }: Dress, of: Particulars): Dress {
  return {
    trigger: filledIn(trigger, of),
    prefix: filledIn(prefix, of),
    suffix: filledIn(suffix, of),
  }
}
