import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { LANGUAGES, chooseLanguage, isLanguage, type Language } from './languages.ts'
import { bytesText, durationRangeText, durationText, timeText } from './amounts.ts'
import { en } from './en/en.ts'
import { changeWords, openWords, translationOf } from './words.ts'

type Texts = Record<string, string>

const others = Object.keys(LANGUAGES).filter((tag): tag is Language => isLanguage(tag) && tag !== 'en')

/** All texts under dotted keys. */
function flat(group: object, prefix = ''): Texts {
  const entries = Object.entries(group).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'string'
      ? [[prefix + key, value]]
      : Object.entries(flat({ ...(value as object) }, `${prefix}${key}.`)),
  )
  return Object.fromEntries(entries) as Texts
}

const FORM = /_(zero|one|two|few|many|other)$/

/** What is put into a text: names and the way in which they are written. */
function variablesOf(text: string): string[] {
  return [...text.matchAll(/\{\{\s*([^}]+?)\s*\}\}|<\/?(\w+)\/?>/g)]
    .map(([whole]) => whole.replaceAll(' ', ''))
    .sort()
}

/** Keys without the ending of their plural form, and those that come in forms. */
function stemsOf(texts: Texts): { stems: string[]; counted: Set<string> } {
  const keys = Object.keys(texts)
  return {
    stems: [...new Set(keys.map((key) => key.replace(FORM, '')))].sort(),
    counted: new Set(keys.filter((key) => FORM.test(key)).map((key) => key.replace(FORM, ''))),
  }
}

const english = flat(en)

/** What is said of one thing or more, never of none. */
const NEVER_NONE = ['talk.answer.dropped_one', 'talk.photograph.some_one']

describe.each(others)('The words of the page in %s', (language) => {
  it('are those of the English page: every key, and none besides', async () => {
    const texts = flat(await translationOf(language))
    expect(stemsOf(texts).stems).toEqual(stemsOf(english).stems)
  })

  it('have the plural forms of their language', async () => {
    const texts = flat(await translationOf(language))
    // Of whole numbers people say; `many` is for millions in Spanish and French, where `other` stands in.
    const forms = new Intl.PluralRules(language)
      .resolvedOptions()
      .pluralCategories.filter((form) => form !== 'many')
      .sort()
    for (const stem of stemsOf(english).counted) {
      const given = Object.keys(texts)
        .filter((key) => FORM.test(key) && key.replace(FORM, '') === stem)
        .map((key) => key.slice(stem.length + 1))
      expect([stem, given.sort()]).toEqual([stem, forms])
    }
  })

  it('put the same values into their sentences', async () => {
    const texts = flat(await translationOf(language))
    for (const [key, text] of Object.entries(texts)) {
      const source = english[key] ?? english[key.replace(FORM, '_other')] ?? ''
      // "One turn" may be written without its number.
      const optional = FORM.test(key) ? ['{{count}}', '{{count,number}}'] : []
      const without = (names: string[]): string[] => names.filter((name) => !optional.includes(name))
      expect([key, without(variablesOf(text))]).toEqual([key, without(variablesOf(source))])
    }
  })

  it('give the number where one sentence is for none as well', async () => {
    // French says "0 image".
    if (new Intl.PluralRules(language).select(0) !== 'one') return
    const texts = flat(await translationOf(language))
    const without = Object.keys(texts).filter((key) => {
      const others = texts[key.replace(/_one$/, '_other')] ?? ''
      return key.endsWith('_one') && others.includes('{{count') && !texts[key]?.includes('{{count')
    })
    expect(without.filter((key) => !NEVER_NONE.includes(key))).toEqual([])
  })

  it('say something everywhere', async () => {
    for (const [key, text] of Object.entries(flat(await translationOf(language))))
      expect([key, text.trim()]).not.toEqual([key, ''])
  })
})

/** Names and signs that are the same everywhere, and words that English shares with one language. */
const NAMES =
  /Q-Former|WebGPU|LAVIS VQA|Top-p|Hugging Face ImageFolder|kohya|JSON|fp16|metadata|meta_cap|captions|jsonl?|Zoom/g
const SHARED: Partial<Record<Language, readonly string[]>> = {
  de: ['Pause', 'Server', 'Revision'],
  es: ['bits'],
  fr: ['Pause', 'Conversations', 'Conversation', 'Question', 'Photo', 'score', 'versions'],
}

it.each(others)('No text of the page is left in English in %s', async (language) => {
  const texts = flat(await translationOf(language))
  const words = (text: string): string[] =>
    text
      .replaceAll(/\{\{[^}]*\}\}/g, '')
      .replaceAll(NAMES, '')
      .match(/\p{L}{2,}/gu) ?? []
  const left = Object.entries(texts).filter(
    ([key, text]) => text === english[key] && words(text).some((word) => !SHARED[language]?.includes(word)),
  )
  expect(left).toEqual([])
})

it.each(['ja', 'zh'] as const)(
  'Sentences in %s have the marks of their script, as wide as its signs',
  async (language) => {
    const signs = String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}」”]`
    const narrow = new RegExp(`${signs}[,.:;!?()]|[,;:!?()]${signs}|0[:;!?](?!\\d)`, 'u')
    for (const [key, text] of Object.entries(flat(await translationOf(language))))
      expect([key, text.replaceAll(/\{\{[^}]*\}\}/g, '0')]).not.toEqual([key, expect.stringMatching(narrow)])
  },
)

it.each(['de', 'es', 'fr'] as const)(
  'No line of the page in %s begins with a mark that a space stands before',
  async (language) => {
    const loose = language === 'fr' ? /\S [;:?!»%…]|« / : /\S …|\}\} %/
    const texts = Object.entries(flat(await translationOf(language)))
    expect(texts.filter(([, text]) => loose.test(text))).toEqual([])
    const known = Object.entries(flat(JSON.parse(await readFile('public/models.json', 'utf8')) as object))
    const notes = known.filter(([key]) => key.endsWith(`.note.${language}`))
    expect(notes.length).toBeGreaterThan(0)
    expect(notes.filter(([, text]) => loose.test(text))).toEqual([])
  },
)

it('No word before an amount of time agrees with one of its units: there are seconds, minutes and hours', async () => {
  const texts = Object.values(flat(await translationOf('es')))
  expect(texts.filter((text) => /\bun[oa]s? \{\{\w+, (duration|time)/i.test(text))).toEqual([])
})

it('No component has words of its own, but for names and what is English in every language', async () => {
  const root = 'src/ui'
  const found: string[] = []
  for (const path of await readdir(root, { recursive: true })) {
    if (!path.endsWith('.tsx') || path.includes('.test.')) continue
    const code = await readFile(join(root, path), 'utf8')
    const between = code.matchAll(/>\s*([A-Za-z][A-Za-z ,.’!?-]{2,}?)\s*<\//g)
    const attributes = code.matchAll(/\b(?:aria-label|placeholder|title|alt|label)="([^"]+)"/g)
    found.push(...[...between, ...attributes].map(([, text = '']) => text))
  }
  // The first words of a caption are the model's, which speaks English.
  expect([...new Set(found)].sort()).toEqual(['a photo of', 'https://…', 'pictalk'])
})

describe('The language of the page', () => {
  it.each<[string[], Language]>([
    [['de-AT', 'en'], 'de'],
    [['pt-BR', 'fr-CA', 'en'], 'fr'],
    [['zh-Hant-TW'], 'zh'],
    [['eo', 'tlh'], 'en'],
    [[], 'en'],
  ])('of a browser that asks for %j is %s', (wanted, language) => {
    expect(chooseLanguage(wanted)).toBe(language)
  })

  it('changes what is said, and numbers and units with it', async () => {
    const words = await openWords('de')
    expect(words.language).toBe('de')
    expect(words.t('shell:newConversation')).toBe('Neu')
    expect(bytesText(15.2e9, 'de')).toBe('15,2\u00a0GB')
    expect(bytesText(15.2e9, 'fr')).toBe('15,2\u202fGo')
    expect(durationText(90, 'en')).toBe('2 minutes')
    expect(durationRangeText([1200, 2640], 'en')).toBe('20–44 minutes')
    expect(durationRangeText([1200, 2640], 'de')).toBe('20–44 Minuten')
    expect(durationRangeText([50, 55], 'en')).toBe('50–55 seconds')
    expect(durationRangeText([59, 60], 'en')).toBe('1 minute')
    expect(timeText(417, 'en')).toBe('0.42s')
  })
})

it('A language that is not wanted any more once it is here changes nothing', async () => {
  const words = await openWords('fr')
  await changeWords(words, 'de', () => false)
  expect(words.language).toBe('fr')
  await changeWords(words, 'de')
  expect(words.language).toBe('de')
})

it('A number is written in the language and the digits of its sentence, and no format is kept for each', async () => {
  const words = await openWords('de')
  let made = 0
  const { NumberFormat } = Intl
  vi.stubGlobal('Intl', {
    ...Object.fromEntries(Object.getOwnPropertyNames(Intl).map((name) => [name, Reflect.get(Intl, name)])),
    NumberFormat: class extends NumberFormat {
      constructor(language?: string, options?: Intl.NumberFormatOptions) {
        super(language, options)
        made += 1
      }
    },
  })
  for (let i = 1; i <= 50; i += 1)
    expect(words.t('search:progress', { done: 1000 * i, total: 50_000 + i })).toContain(`${i}.000 `)
  expect(words.t('search:foundIn', { total: 1234.5678, time: 417 })).toContain('1.234,568')
  expect(made).toBeLessThan(5)
  vi.unstubAllGlobals()
})
