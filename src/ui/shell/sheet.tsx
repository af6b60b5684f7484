import { useEffect, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { DevicePanel } from '../models/device-panel.tsx'
import { ModelPanel } from '../models/model-panel.tsx'
import { IconButton } from '../parts/icon-button.tsx'
import { SettingsPanel } from '../settings/settings-panel.tsx'
import { useApp } from '../store-context.ts'

/** Models, device and settings, beside the conversation: it can stay open while one talks. */
export function Sheet(): ReactElement {
  const { t } = useTranslation(['models', 'shell'])
  const close = useApp((state) => state.closePanel)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const before = document.activeElement
    heading.current?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <div role="dialog" className="sheet" aria-labelledby="sheet-heading">
      <div className="sheet-head">
        <h2 id="sheet-heading" ref={heading} tabIndex={-1}>
          {t('models:sheet')}
        </h2>
        <IconButton icon="close" label={t('shell:close')} onClick={close} />
      </div>
      <ModelPanel />
      <SettingsPanel />
      <DevicePanel />
    </div>
  )
}
