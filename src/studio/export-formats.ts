/** What captions can be written as. Apart from the writing itself, so that who only offers it need not carry that. */
import type { Format } from './formats/formats.ts'

export const EXPORT_FORMATS = [
  'txt',
  'caption',
  'jsonl',
  'csv',
  'kohya',
  'json',
  'xmp',
  'in-file',
  'html',
  'markdown',
] as const
export type ExportFormat = Format | 'in-file' | 'html' | 'markdown'

export interface ExportOptions {
  format: ExportFormat
  /** A byte order mark before CSV. */
  bom: boolean
  /** `photo.xmp`, or `photo.jpg.xmp`. One that is there is merged wherever it lies. */
  xmpName: 'stem' | 'whole'
}

/** Whether the format has a place for alternative texts. */
export function hasAltText(format: ExportFormat): boolean {
  return format === 'xmp' || format === 'in-file' || format === 'html' || format === 'markdown'
}
