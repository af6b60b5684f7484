import type { ReactElement } from 'react'
import { DevicePanel } from '../models/device-panel.tsx'
import { ModelPanel } from '../models/model-panel.tsx'
import { SettingsPanel } from '../settings/settings-panel.tsx'

/** What the sheet is opened for. */
export function SheetPanels(): ReactElement {
  return (
    <>
      <ModelPanel />
      <SettingsPanel />
      <DevicePanel />
    </>
  )
}
