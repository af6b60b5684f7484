/** A text file beside each picture, called as `sidecarNames` says. UTF-8, one caption, a line end. */
import { AppError } from '../../pack/failure.ts'
import { stemOf } from '../picture-files.ts'
import { textOf } from './row.ts'

export type SidecarEnding = 'txt' | 'caption' | 'xmp'

export function writeSidecar(text: string): string {
  return text === '' ? '' : `${text}\n`
}

/** Throws `bad-file`. */
export function readSidecar(bytes: Uint8Array, name: string): string {
  return textOf(bytes, name).trim()
}

/** Why a picture's caption is not written: a sidecar belongs to one picture. */
export function sameCaptionFile(path: string, twin: string): AppError {
  return new AppError(
    'bad-usage',
    `Its caption would take the place of that of ${twin} (both are ${stemOf(path)}); rename one of the two.`,
  )
}
