import { useRef, type KeyboardEvent, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'
import { IconButton } from './icon-button.tsx'
import { useFocusInside } from './use-focus-inside.ts'

/**
 * What lies over the page and must be dealt with first: the browser's own modal dialog, which keeps the focus inside,
 * closes with Escape and gives the focus back.
 */
export function Over({
  name,
  className,
  onKeyDown,
  children,
}: {
  name: string
  className: string
  onKeyDown?: (event: KeyboardEvent) => void
  children: ReactNode
}): ReactElement {
  const { t } = useTranslation('shell')
  const close = useApp((state) => state.closePanel)
  const dialog = useRef<HTMLDialogElement>(null)
  useFocusInside(dialog)
  return (
    <dialog
      ref={dialog}
      className={`over ${className}`}
      aria-label={name}
      onKeyDown={onKeyDown}
      onCancel={close}
      onClose={close}
    >
      <IconButton icon="close" label={t('close')} className="over-close" onClick={close} />
      {children}
    </dialog>
  )
}
