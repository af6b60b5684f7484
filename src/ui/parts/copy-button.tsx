import { useState, type ReactElement } from 'react'

type Copied = 'not yet' | 'copied' | 'refused'

/** Copies a text, and says so, or that the browser does not let it: pages without a secure context have no clipboard. */
export function CopyButton({ label, text }: { label: string; text: () => string }): ReactElement {
  const [copied, setCopied] = useState<Copied>('not yet')
  return (
    <>
      <button
        type="button"
        className="quiet"
        onClick={() => void copy(text()).then(setCopied)}
        onBlur={() => setCopied('not yet')}
      >
        {copied === 'copied' ? 'Copied' : label}
      </button>
      {copied === 'refused' && (
        <span className="hint" role="alert">
          The browser does not let this page copy; select the text and copy it.
        </span>
      )}
    </>
  )
}

async function copy(text: string): Promise<Copied> {
  try {
    await navigator.clipboard.writeText(text)
    return 'copied'
  } catch {
    // Refused, or there is none, which is a TypeError here.
    return 'refused'
  }
}
