/** What both forms of an export have in common. */
import { AppError } from '../pack/failure.ts'
import type { Conversation } from './conversation.ts'

/** The `format` of every export, in whichever version. */
export const FORMAT = 'pictalk-conversations'

export interface ExportedPicture {
  id: string
  image: Blob
}

export interface Exported {
  conversations: Conversation[]
  /** Pictures that had been lost when the file was written are not among them. */
  pictures: ExportedPicture[]
}

/**
 * The type of a picture as it may go into a page: that of a picture, or none, which browsers find out by themselves. A
 * page of HTML that calls itself a picture stays a file.
 */
export function pictureType(type: unknown): string {
  return typeof type === 'string' && /^image\/[\w.+-]{1,60}$/.test(type) ? type : ''
}

export function noExport(): AppError {
  return new AppError(
    'bad-file',
    'This file holds no pictalk conversations; choose one that was exported here.',
  )
}

export function otherVersion(): AppError {
  return new AppError(
    'bad-file',
    'These conversations were written by another version of pictalk; open them there, or update.',
  )
}
