/** The languages that the page speaks, and which of them a visitor gets. */

/** By their BCP 47 tags, under the names that they have for themselves. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  ja: '日本語',
  zh: '中文',
} as const satisfies Record<string, string>

export type Language = keyof typeof LANGUAGES

export function isLanguage(tag: unknown): tag is Language {
  return typeof tag === 'string' && Object.hasOwn(LANGUAGES, tag)
}

/** The first of the wanted languages (`navigator.languages`) that the page speaks, whatever the region; else English. */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [language = ''] = tag.toLowerCase().split('-')
    if (isLanguage(language)) return language
  }
  return 'en'
}
