import type { ReactElement } from 'react'
import type { Failure } from '../../pack/failure.ts'

/** A failure as a sentence, its code for reports, and what can be done about it. The sentence comes from below the page. */
export function Notice({
  failure,
  action,
  onAction,
}: {
  failure: Failure
  action?: string
  onAction?: () => void
}): ReactElement {
  return (
    <div className="notice">
      <p lang="en">
        {failure.message} <code>{failure.code}</code>
      </p>
      {action !== undefined && (
        <button type="button" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  )
}
