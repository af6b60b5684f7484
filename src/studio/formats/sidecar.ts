/** A text file beside each picture: `photo.jpg` has `photo.txt` or `photo.caption`. UTF-8, one caption, a line end. */
import { stemOf } from '../picture-files.ts'
import { textOf } from './row.ts'

export type SidecarEnding = 'txt' | 'caption' | 'xmp'

export function sidecarOf(path: string, ending: SidecarEnding): string {
  return `${stemOf(path)}.${ending}`
}

export function writeSidecar(text: string): string {
  return text === '' ? '' : `${text}\n`
}

/** Throws `bad-file`. */
export function readSidecar(bytes: Uint8Array, name: string): string {
  return textOf(bytes, name).trim()
}
