import type { ReactElement } from 'react'
import { ConversationView } from './conversation-view.tsx'
import { DevicePanel } from './device-panel.tsx'
import { Examples } from './examples.tsx'
import { LibraryNotices } from './library-notices.tsx'
import { ModelPanel } from './model-panel.tsx'
import { SettingsPanel } from './settings-panel.tsx'
import { WithheldNotice } from './withheld-notice.tsx'

/** Talking about pictures. */
export function TalkView(): ReactElement {
  return (
    <>
      <ModelPanel />
      <WithheldNotice />
      <Examples />
      <LibraryNotices />
      <ConversationView />
      <SettingsPanel />
      <DevicePanel />
    </>
  )
}
