import type { ReactElement } from 'react'
import { Notice } from './notice.tsx'
import { useApp } from './store-context.ts'

/** What concerns the kept conversations as a whole: a deletion that can be undone, a disk that is full. */
export function LibraryNotices(): ReactElement | null {
  const failure = useApp((state) => state.libraryFailure)
  const undo = useApp((state) => state.undo)
  const dismiss = useApp((state) => state.dismissNotice)
  const update = useApp((state) => state.update)
  if (update !== null) {
    return (
      <div className="undo" role="group" aria-label="Update">
        <span>A new version of this page is ready. Conversations and models stay.</span>
        <button type="button" onClick={update}>
          Change over
        </button>
      </div>
    )
  }
  if (failure !== null) return <Notice failure={failure} action="All right" onAction={dismiss} />
  if (undo === null) return null
  return (
    <div className="undo" role="group" aria-label="Undo">
      <span>{undo.label}</span>
      <button type="button" onClick={undo.restore}>
        Undo
      </button>
      <button type="button" className="link" onClick={dismiss}>
        Dismiss
      </button>
    </div>
  )
}
