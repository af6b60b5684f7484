import type { ReactElement } from 'react'
import type { Failure } from '../../pack/failure.ts'
import { failureNote } from '../../state/failure-note.ts'
import { Say } from './say.tsx'

/** What went wrong and what to do about it. */
export function FailureWords({ failure }: { failure: Failure }): ReactElement {
  return <Say saying={failureNote(failure)} />
}
