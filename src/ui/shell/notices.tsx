import type { ReactElement } from 'react'
import { Notice } from '../parts/notice.tsx'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'

/** What concerns the kept conversations as a whole: a deletion that can be undone, a disk that is full. */
export function LibraryNotices(): ReactElement | null {
  const failure = useApp((state) => state.libraryFailure)
  const dismiss = useApp((state) => state.dismissLibraryFailure)
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
  return (
    <>
      <Remark />
      <Undo />
    </>
  )
}

/** What was left aside of a drop. */
function Remark(): ReactElement | null {
  const aside = useApp((state) => state.aside)
  const dismiss = useApp((state) => state.dismissRemark)
  if (aside === null) return null
  return (
    <div className="undo" role="group" aria-label="Left aside">
      <span>
        <Say saying={aside} />
      </span>
      <button type="button" className="link" onClick={dismiss}>
        Dismiss
      </button>
    </div>
  )
}

/** The last removal, to be taken back; what was removed before it can be taken back after it. */
function Undo(): ReactElement | null {
  const last = useApp((state) => (state.offersUndo ? state.undoable.at(-1) : undefined))
  const undo = useApp((state) => state.undo)
  const dismiss = useApp((state) => state.dismissUndo)
  if (last === undefined) return null
  return (
    <div className="undo" role="group" aria-label="Undo">
      <span>{last.label}</span>
      <button type="button" onClick={undo}>
        Undo
      </button>
      <button type="button" className="link" onClick={dismiss}>
        Dismiss
      </button>
    </div>
  )
}
