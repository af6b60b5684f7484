import { useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../parts/icon-button.tsx'
import { latePart } from '../parts/late-part.tsx'
import { useFocusInside } from '../parts/use-focus-inside.ts'
import { useApp } from '../store-context.ts'
import { Notices } from './notices.tsx'

const SheetPanels = latePart(async () => (await import('./sheet-panels.tsx')).SheetPanels)

/** Models, device and settings, beside the conversation: it can stay open while one talks. */
export function Sheet(): ReactElement {
  const { t } = useTranslation(['models', 'shell'])
  const close = useApp((state) => state.closePanel)
  const sheet = useRef<HTMLDivElement>(null)
  useFocusInside(sheet)
  return (
    <div ref={sheet} role="dialog" className="sheet" aria-labelledby="sheet-heading" tabIndex={-1}>
      <div className="sheet-head">
        <h2 id="sheet-heading" tabIndex={-1} data-first>
          {t('models:sheet')}
        </h2>
        <IconButton icon="close" label={t('shell:close')} onClick={close} />
      </div>
      <SheetPanels />
      <Notices />
    </div>
  )
}
