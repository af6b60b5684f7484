import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '../messages/languages.ts'
import { noteIn, parseCatalogue } from './catalogue.ts'

const entry = { name: 'A model', address: 'owner/name' }
const work = { flops: 1e12, lookNodes: 500, wordBytes: 1e9, wordNodes: 300, words: 12 }
const costs = { fetchBytes: 15e9, keepBytes: 2e9, licence: 'opt-175b', work }
const parsed = (fields: object): ReturnType<typeof parseCatalogue>['models'][number] | undefined =>
  parseCatalogue({ models: [{ ...entry, ...fields }] }).models[0]

describe('What a host says of its models', () => {
  it('is a note in the language of the page, or else in English', () => {
    const model = parsed({ note: { en: 'A note.', de: 'Eine Notiz.', fr: 7 } })
    expect(model && noteIn(model, 'de')).toEqual({ text: 'Eine Notiz.', language: 'de' })
    expect(model && noteIn(model, 'fr')).toEqual({ text: 'A note.', language: 'en' })
    const plain = parsed({ note: 'As it was.' })
    expect(plain && noteIn(plain, 'ja')).toEqual({ text: 'As it was.', language: 'en' })
    const none = parsed({})
    expect(none && noteIn(none, 'toString')).toBeNull()
  })

  it('is what a model costs, whole or not at all', () => {
    expect(parsed({ costs })?.costs).toEqual(costs)
    expect(parsed({ costs: { ...costs, licence: 'made up' } })?.costs).toEqual({ ...costs, licence: null })
    for (const broken of [
      { ...costs, keepBytes: '2 GB' },
      { ...costs, work: { ...work, flops: -1 } },
      { ...costs, work: undefined },
      null,
    ])
      expect(parsed({ costs: broken })?.costs).toBeNull()
  })

  it('is there in every language of the page', async () => {
    const { models } = parseCatalogue(JSON.parse(await readFile('public/models.json', 'utf8')))
    for (const { name, notes } of models)
      expect([name, Object.keys(notes).sort()]).toEqual([name, Object.keys(LANGUAGES).sort()])
  })
})
