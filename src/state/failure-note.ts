import type { Note } from '../messages/note.ts'
import type { Failure } from '../pack/failure.ts'

/**
 * What went wrong and what to do about it, to be said in the language of the page: what kind of failure it is, and the
 * exact sentence, which comes from below the page and is English.
 */
export function failureNote({ code, message }: Failure): Note {
  return { key: `failures:${code}`, exactly: message }
}
