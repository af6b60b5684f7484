import { useEffect, type ReactElement } from 'react'
import type { AppStore } from '../state/store.ts'
import { ConversationList } from './conversation-list.tsx'
import { ConversationView } from './conversation-view.tsx'
import { DevicePanel } from './device-panel.tsx'
import { DropZone } from './drop-zone.tsx'
import { Examples } from './examples.tsx'
import { ModelPanel } from './model-panel.tsx'
import { LibraryNotices } from './library-notices.tsx'
import { SettingsPanel } from './settings-panel.tsx'
import { StoreContext, useApp } from './store-context.ts'
import { WithheldNotice } from './withheld-notice.tsx'

export function App({ store }: { store: AppStore }): ReactElement {
  return (
    <StoreContext value={store}>
      <Page />
    </StoreContext>
  )
}

function Page(): ReactElement {
  useTheme()
  useEscapeToStop()
  const announcement = useApp((state) => state.announcement)
  return (
    <DropZone>
      <header className="site-header">
        <h1>pictalk</h1>
        <p>Talk about your pictures with BLIP-2, on your own machine. Nothing leaves this device.</p>
      </header>
      <div className="columns">
        <ConversationList />
        <main>
          <ModelPanel />
          <WithheldNotice />
          <Examples />
          <LibraryNotices />
          <ConversationView />
          <SettingsPanel />
          <DevicePanel />
        </main>
      </div>
      <p className="visually-hidden" role="status">
        {announcement}
      </p>
    </DropZone>
  )
}

function useTheme(): void {
  const theme = useApp((state) => state.settings.theme)
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
  }, [theme])
}

function useEscapeToStop(): void {
  const stop = useApp((state) => state.stop)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') stop()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [stop])
}
