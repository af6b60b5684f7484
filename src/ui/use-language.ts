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
    void changeWords(i18n, choice === 'auto' ? chooseLanguage(navigator.languages) : choice)
  }, [i18n, choice])
  const { language } = i18n
  useEffect(() => {
    document.documentElement.lang = language
    document.documentElement.dir = i18n.dir(language)
  }, [i18n, language])
}
