import { describe, expect, it } from 'vitest'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { languageLicenceOf, licenceLine, noticeOf, termsOf } from './licences.ts'

/** A manifest with a decoder of so many rows. */
function packWith(vocabulary: number): ReturnType<typeof goodManifest> {
  const manifest = goodManifest()
  manifest.parts.decoder.shape.vocabulary = vocabulary
  return manifest
}

describe('The terms of a model', () => {
  it.each([
    ['OPT, whatever its card says', 'mit', 'opt-175b', 'research'],
    ['OPT, whose card says nothing', null, 'opt-175b', 'research'],
    ['OPT, whose card says so itself', 'opt-175b', 'opt-175b', 'research'],
    ['Flan-T5', 'mit', 'apache-2.0', 'commercial'],
    ['Flan-T5, whose card says nothing', null, 'apache-2.0', 'unstated'],
    ['Flan-T5 under a stricter card', 'cc-by-nc-4.0', 'apache-2.0', 'non-commercial'],
    ['no known language model', 'mit', null, 'commercial'],
    ['files of LAVIS', 'bsd-3-clause', null, 'commercial'],
    ['several licences', 'mit, cc-by-nc-4.0', null, 'non-commercial'],
    ['a licence of its own', 'research-only', null, 'unknown'],
    ['a name that objects have', 'constructor', null, 'unknown'],
    ['no licence', null, null, 'unstated'],
  ] as const)('of %s are the strictest that are stated', (_, licence, languageLicence, allows) => {
    expect(termsOf({ licence, languageLicence }).allows).toBe(allows)
  })

  it('name the licence of the language model first, and link to both', () => {
    const terms = termsOf({ licence: 'mit', languageLicence: 'opt-175b' })
    expect(terms.language).toMatchObject({
      name: 'OPT-175B',
      url: expect.stringMatching(/MODEL_LICENSE/) as string,
    })
    expect(terms.card).toMatchObject([{ name: 'MIT', url: 'https://opensource.org/license/mit' }])
  })

  it('are a line of the command line, too', () => {
    expect(licenceLine('mit', 'opt-175b')).toBe('opt-175b (its language model), mit (the rest, by its card)')
    expect(licenceLine('opt-175b', 'opt-175b')).toBe('opt-175b')
    expect(licenceLine('mit', null)).toBe('mit')
  })

  it('say a licence once that card and language model share', () => {
    expect(termsOf({ licence: 'apache-2.0', languageLicence: 'apache-2.0' }).card).toEqual([])
  })

  it.each([
    ['other (https://a.b/c)', 'https://a.b/c'],
    ['other (javascript:alert(1))', null],
    ['http://a.b/c', null],
  ])('link to where a card says that its licence is, and to nothing else: %s', (licence, url) => {
    expect(termsOf({ licence, languageLicence: null }).card).toMatchObject([{ url }])
  })
})

describe('The licence of a language model', () => {
  it('is told by its token table, so that a card that says "mit" hides nothing', () => {
    expect(languageLicenceOf(packWith(50_272))).toBe('opt-175b')
    expect(languageLicenceOf(packWith(50_264))).toBeNull()
  })

  it('is in the manifest in words', () => {
    expect(noticeOf('blip2-opt', 50_304)).toMatch(/non-commercial research only/)
    expect(noticeOf('blip2-t5', 32_128)).toMatch(/Flan-T5.*commercial use is allowed/)
    expect(noticeOf('blip2-t5', 192)).toBeUndefined()
  })
})
