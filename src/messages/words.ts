/**
 * The catalogue at work: English is part of the page, every other language a file of its own that is fetched when it is
 * chosen (and kept for starting without a network). Where a language lacks a text, the English one stands in.
 */
import { createInstance, type i18n } from 'i18next'
import {
  bytesText,
  durationRangeText,
  durationText,
  millisecondsText,
  numberText,
  timeText,
} from './amounts.ts'
import { en } from './en/en.ts'
import type { Language } from './languages.ts'
import type { Namespace, Translated, Words } from './translated.ts'

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'shell'
    resources: Words
    interpolationFormatTypeMap: Record<'bytes' | 'duration' | 'time' | 'milliseconds', number> &
      Record<'durationRange', readonly [least: number, most: number]>
  }
}

export const NAMESPACES = Object.keys(en) as Namespace[]

const LOADERS: Record<Exclude<Language, 'en'>, () => Promise<Translated>> = {
  de: async () => (await import('./de/de.ts')).de,
  es: async () => (await import('./es/es.ts')).es,
  fr: async () => (await import('./fr/fr.ts')).fr,
  ja: async () => (await import('./ja/ja.ts')).ja,
  zh: async () => (await import('./zh/zh.ts')).zh,
}

/** The catalogue, opened: what components ask for words. */
export type PageWords = i18n

/** All texts of a language, as they stand in its files. */
export function translationOf(language: Language): Promise<Translated> {
  return language === 'en' ? Promise.resolve(en) : LOADERS[language]()
}

/** The words of a language. English where it cannot be fetched. */
export async function openWords(language: Language): Promise<PageWords> {
  const words = createInstance({
    lng: 'en',
    fallbackLng: 'en',
    defaultNS: 'shell',
    ns: NAMESPACES,
    resources: { en },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  await words.init()
  const { formatter } = words.services
  // The library's own keeps a format for each text that it wrote.
  formatter?.add('number', (value: number, tag = 'en', options: Intl.NumberFormatOptions) =>
    numberText(value, tag, options.maximumFractionDigits ?? 3),
  )
  formatter?.add('bytes', (value: number, tag = 'en') => bytesText(value, tag))
  formatter?.add('duration', (value: number, tag = 'en') => durationText(value, tag))
  formatter?.add('durationRange', (value: readonly [number, number], tag = 'en') =>
    durationRangeText(value, tag),
  )
  formatter?.add('milliseconds', (value: number, tag = 'en') => millisecondsText(value, tag))
  formatter?.add('time', (value: number, tag = 'en') => timeText(value, tag))
  await changeWords(words, language)
  return words
}

/**
 * Changes over to another language; stays with the present one where that cannot be fetched, or is not wanted any more
 * once it is here.
 */
export async function changeWords(
  words: PageWords,
  language: Language,
  isWanted: () => boolean = () => true,
): Promise<void> {
  try {
    const texts = await translationOf(language)
    for (const [name, group] of Object.entries(texts)) words.addResourceBundle(language, name, group)
  } catch {
    return
  }
  if (isWanted()) await words.changeLanguage(language)
}
