/** Which of the formats that are read here a file has, by its first bytes. */
import { kindOf, type ImageFormat } from './kinds.ts'
import { refusedPicture } from './refusal.ts'

/** Throws `bad-image` when it is none of those that are read, and says what it is instead. `file` begins as the file does. */
export function formatOf(file: Uint8Array): ImageFormat {
  if (file.length === 0) throw refusedPicture('This file is empty; copy it again.')
  const kind = kindOf(file)
  if (kind === null)
    throw refusedPicture('This is not a picture; choose a JPEG, PNG, WebP, GIF, BMP, ICO or AVIF file.')
  if ('format' in kind) return kind.format
  switch (kind.foreign) {
    case 'svg':
      throw refusedPicture('SVG drawings are not read, since they can hold scripts; save it as PNG first.')
    case 'picture':
      throw refusedPicture(`${upperFirst(kind.named)} cannot be read here; save it as JPEG or PNG.`)
    case 'film':
      throw refusedPicture(
        `${upperFirst(kind.named)} cannot be read here; save one of its pictures as JPEG or PNG.`,
      )
    case 'other':
      throw refusedPicture(
        `${upperFirst(kind.named)} are no pictures; choose a JPEG, PNG, WebP, GIF, BMP, ICO or AVIF file.`,
      )
  }
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
