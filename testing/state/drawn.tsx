import type { ReactElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { I18nextProvider } from 'react-i18next'
import { openWords } from '../../src/messages/words.ts'
import type { Language } from '../../src/messages/languages.ts'
import type { AppState, AppStore } from '../../src/state/store.ts'
import { StoreContext } from '../../src/ui/store-context.ts'

/** What a component draws over the state of `store` with this `change` to it, as HTML. */
export async function drawn(
  store: AppStore,
  change: Partial<AppState>,
  component: ReactElement,
  language: Language = 'en',
): Promise<string> {
  const state = { ...store.getState(), ...change }
  return renderToStaticMarkup(
    <StoreContext value={{ ...store, getInitialState: () => state }}>
      <I18nextProvider i18n={await openWords(language)}>{component}</I18nextProvider>
    </StoreContext>,
  )
}
