import { useEffect, type ReactElement } from 'react'
import { I18nextProvider, useTranslation } from 'react-i18next'
import type { PageWords } from '../messages/words.ts'
import type { AppStore } from '../state/store.ts'
import { DropZone } from './adding/drop-zone.tsx'
import { Say } from './parts/say.tsx'
import { PLACES } from './shell/places.tsx'
import { Rail } from './shell/rail.tsx'
import { StoreContext, useApp } from './store-context.ts'
import { useLanguage } from './use-language.ts'

export function App({ store, words }: { store: AppStore; words: PageWords }): ReactElement {
  return (
    <StoreContext value={store}>
      <I18nextProvider i18n={words}>
        <Page />
      </I18nextProvider>
    </StoreContext>
  )
}

function Page(): ReactElement {
  useTheme()
  useLanguage()
  const { t } = useTranslation('shell')
  useEscapeToStop()
  const announcement = useApp((state) => state.announcement)
  return (
    <DropZone>
      <header className="site-header">
        <h1>pictalk</h1>
        <p>{t('tagline')}</p>
      </header>
      <div className="columns">
        <Rail />
        <main>
          <View />
        </main>
      </div>
      <p className="visually-hidden" role="status">
        <Say saying={announcement} />
      </p>
    </DropZone>
  )
}

/** The place where one is. The address of a place that there is not becomes Talk's. */
function View(): ReactElement {
  const place = useApp((state) => state.place)
  const visit = useApp((state) => state.visit)
  const known = PLACES.find(({ name }) => name === place)
  const isKnown = known !== undefined
  useEffect(() => {
    if (!isKnown) visit(null)
  }, [isKnown, visit])
  return (known ?? PLACES[0]).view
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
