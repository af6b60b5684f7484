import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { hashOf } from '../../state/route.ts'
import { DevicePanel } from '../models/device-panel.tsx'
import { ModelPanel } from '../models/model-panel.tsx'
import { SettingsPanel } from '../settings/settings-panel.tsx'
import { useApp } from '../store-context.ts'

/** What the sheet is opened for. */
export function SheetPanels(): ReactElement {
  return (
    <>
      <SettingsPanel />
      <ModelPanel />
      <DevicePanel />
      <InsideLink />
    </>
  )
}

/** For those who want to see how such a model works. */
function InsideLink(): ReactElement {
  const { t } = useTranslation('inside')
  const close = useApp((state) => state.closePanel)
  return (
    <p className="hint">
      <a href={hashOf({ place: 'inside' })} onClick={close}>
        {t('link')}
      </a>
    </p>
  )
}
