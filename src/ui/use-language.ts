import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { chooseLanguage } from '../messages/languages.ts'
import { changeWords } from '../messages/words.ts'
import { useApp } from './store-context.ts'

/** Has the page speak the language of the settings, and say so to browsers and screen readers. */
export function useLanguage(): void {
  const choice = useApp((state) => state.settings.language)
  const { i18n } = useTranslation()
  useEffect(() => {
    const wanted = choice === 'auto' ? chooseLanguage(navigator.languages) : choice
    if (i18n.language === wanted) return
    // Another may be chosen before this one has arrived.
    let isWanted = true
    void changeWords(i18n, wanted, () => isWanted)
    return () => {
      isWanted = false
    }
  }, [i18n, choice])
  const { language } = i18n
  useEffect(() => {
    document.documentElement.lang = language
    document.documentElement.dir = i18n.dir(language)
  }, [i18n, language])
}
