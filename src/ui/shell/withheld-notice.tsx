import type { ReactElement } from 'react'
import { useApp } from '../store-context.ts'

/** What this browser does not let the page keep or have, until it was read. */
export function WithheldNotice(): ReactElement | null {
  const sentences = useApp((state) => state.withheld)
  const dismiss = useApp((state) => state.dismissWithheld)
  if (sentences.length === 0) return null
  return (
    <div className="notice" role="group" aria-label="Not kept">
      <div>
        {sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      <button type="button" onClick={dismiss}>
        All right
      </button>
    </div>
  )
}
