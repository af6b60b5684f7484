import { useEffect, type ReactElement } from 'react'
import { I18nextProvider, useTranslation } from 'react-i18next'
import type { PageWords } from '../messages/words.ts'
import type { AppStore } from '../state/store.ts'
import { AddressDialog } from './taking/address-dialog.tsx'
import { CameraDialog } from './taking/camera-dialog.tsx'
import { Choosing } from './taking/choosing.tsx'
import { DropZone } from './taking/drop-zone.tsx'
import { Say } from './parts/say.tsx'
import { useFocusKept } from './parts/use-focus-kept.ts'
import { Notices } from './shell/notices.tsx'
import { PageHeading } from './shell/page-heading.tsx'
import { PLACES, type Place } from './shell/places.tsx'
import { Rail } from './shell/rail.tsx'
import { Sheet } from './shell/sheet.tsx'
import { ShortcutList } from './shell/shortcut-list.tsx'
import { TopBar } from './shell/top-bar.tsx'
import { useDockClear } from './shell/use-dock-clear.ts'
import { useShortcuts } from './shell/use-shortcuts.ts'
import { StoreContext, useApp } from './store-context.ts'
import { useLanguage } from './use-language.ts'

export function App({ store, words }: { store: AppStore; words: PageWords }): ReactElement {
  return (
    <StoreContext value={store}>
      <I18nextProvider i18n={words}>
        <Choosing>
          <Page />
        </Choosing>
      </I18nextProvider>
    </StoreContext>
  )
}

function Page(): ReactElement {
  useTheme()
  useLanguage()
  useShortcuts()
  useFocusKept()
  const { t } = useTranslation('shell')
  const dock = useDockClear()
  const place = usePlace()
  const announcement = useApp((state) => state.announcement)
  const panel = useApp((state) => state.panel)
  return (
    <DropZone>
      <a className="skip" href="#main" onClick={skip}>
        {t('skip')}
      </a>
      <div className="frame">
        <Rail />
        <div className="middle">
          <TopBar />
          <main id="main" tabIndex={-1}>
            <PageHeading place={place} />
            {/* Only what is in it: the page is never without its landmark and its heading. */}
            <div className="place" inert={panel === 'rail'}>
              {place.view}
              <div ref={dock} className="dock">
                {panel !== 'models' && panel !== 'rail' && <Notices />}
                {place.dock}
              </div>
            </div>
          </main>
        </div>
        {panel === 'models' && <Sheet />}
      </div>
      {panel === 'shortcuts' && <ShortcutList />}
      {panel === 'camera' && <CameraDialog />}
      {panel === 'address' && <AddressDialog />}
      <p className="visually-hidden" role="status">
        <Say saying={announcement} />
      </p>
    </DropZone>
  )
}

/** Past the rail, without a new address. */
function skip(event: { preventDefault: () => void }): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** The place where one is. */
function usePlace(): Place {
  const name = useApp((state) => state.place)
  return PLACES.find((place) => place.name === name) ?? PLACES[0]
}

function useTheme(): void {
  const theme = useApp((state) => state.settings.theme)
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
  }, [theme])
}
