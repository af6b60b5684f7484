import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'
import { IconButton } from './icon-button.tsx'

/** Copies a text and says so; a browser that does not let the page copy is said in words. */
function useCopy(text: () => string): { copied: boolean; copy: () => void; forget: () => void } {
  const [copied, setCopied] = useState(false)
  const remark = useApp((state) => state.remark)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text())
      setCopied(true)
    } catch {
      // Refused, or there is none, which is a TypeError here: pages without a secure context have no clipboard.
      remark({ key: 'talk:answer.copyRefused' })
    }
  }
  return { copied, copy: () => void copy(), forget: () => setCopied(false) }
}

export function CopyButton({ label, text }: { label: string; text: () => string }): ReactElement {
  const { t } = useTranslation('talk')
  const { copied, copy, forget } = useCopy(text)
  return (
    <button type="button" className="quiet" onClick={copy} onBlur={forget}>
      {copied ? t('answer.copied') : label}
    </button>
  )
}

export function CopyIcon({ text }: { text: () => string }): ReactElement {
  const { t } = useTranslation('talk')
  const { copied, copy, forget } = useCopy(text)
  const label = copied ? t('answer.copied') : t('answer.copy')
  return <IconButton icon={copied ? 'done' : 'copy'} label={label} onClick={copy} onBlur={forget} />
}
