import type { ReactElement } from 'react'
import { ConversationView } from './conversation-view.tsx'
import { DevicePanel } from '../models/device-panel.tsx'
import { Examples } from './examples.tsx'
import { LibraryNotices } from '../shell/notices.tsx'
import { ModelPanel } from '../models/model-panel.tsx'
import { SettingsPanel } from '../settings/settings-panel.tsx'
import { WithheldNotice } from '../shell/withheld-notice.tsx'

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
