/** What the operating system says about a file, in a sentence that says what a person can do about it. */
import { AppError, type FailureCode } from '../pack/failure.ts'

type Doing = 'read' | 'written'

/** Throws `AppError`s for whatever the system refuses; what is no answer of the system stays as it is. */
export function failOf(cause: unknown, path: string, doing: Doing): never {
  const code = systemCode(cause)
  if (code === undefined) throw cause
  const [failure, sentence] = sentenceFor(code, path, doing)
  throw new AppError(failure, sentence, { cause })
}

/** The system's own name of a failure (`ENOENT`); undefined for errors of another kind. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined
}

/** Whether there is no such file: its folder is none, too, or its name is one that no file can have there. */
export function isAbsent(cause: unknown): boolean {
  return ABSENT.has(systemCode(cause) ?? '')
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])

function sentenceFor(code: string, path: string, doing: Doing): [FailureCode, string] {
  switch (code) {
    case 'ENOENT':
      return doing === 'read'
        ? ['not-found', `There is no ${path}; check the path.`]
        : ['bad-usage', `No file or folder can be made at ${path}; choose another folder.`]
    case 'ENOSPC':
    case 'EDQUOT':
      return ['no-space', `The disk is full: ${path} could not be written; free some space and resume.`]
    case 'EFBIG':
      return ['no-space', `${path} is larger than a file may be there; choose another disk.`]
    case 'EROFS':
      return ['bad-usage', `${path} is on a disk that can only be read; choose another folder.`]
    case 'EACCES':
    case 'EPERM':
      return [
        'bad-usage',
        `${path} may not be ${doing}; check its permissions or choose another ${doing === 'read' ? 'file' : 'folder'}.`,
      ]
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return doing === 'read'
        ? ['bad-usage', `${path} is a folder, or lies below a file; give the path of a file.`]
        : ['bad-usage', `${path} cannot be written: a file or folder is in the way; choose another folder.`]
    case 'ENAMETOOLONG':
      return ['bad-usage', `${path} is longer than a name may be there; choose a shorter one.`]
    case 'EMFILE':
    case 'ENFILE':
      return ['busy', `Too many files are open to go on with ${path}; close other programs and try again.`]
    case 'EIO':
      return ['corrupt', `The disk reports an error at ${path}; check the disk or use another one.`]
    default:
      return ['bad-usage', `${path} cannot be ${doing} (${code}); choose another place.`]
  }
}
