import type { ReactElement } from 'react'
import { describe, expect, it } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import { openPage } from '../../../testing/state/fake-browser.ts'
import type { Language } from '../../messages/languages.ts'
import { LANGUAGE_NOTICES } from '../../pack/licences.ts'
import { ModelSourceLine, ModelTerms } from './model-terms.tsx'

const page = (part: ReactElement, language?: Language): Promise<string> =>
  drawn(openPage().store, {}, part, language)

const textOf = (html: string): string => html.replaceAll(/<[^>]*>/g, '')

const OFFICIAL = {
  licence: 'mit',
  languageLicence: 'opt-175b',
  licenceNotice: LANGUAGE_NOTICES['opt-175b'],
} as const

describe('The terms of a model on the page', () => {
  it('never call a licence that restricts use by the freer name on the card alone', async () => {
    const html = await page(<ModelTerms model={OFFICIAL} />)
    expect(textOf(html)).toBe(
      'Licence of its language model: OPT-175B. Licence of the rest, by its card: MIT. It may be used for non-commercial research only.',
    )
    expect(html).toContain('/projects/OPT/MODEL_LICENSE.md"')
    expect(textOf(await page(<ModelTerms model={OFFICIAL} />, 'de'))).toMatch(
      /nur für nichtkommerzielle Forschung/,
    )
  })

  it('say what is not stated, and what somebody else has to say of a pack', async () => {
    const html = await page(
      <ModelTerms
        model={{ licence: null, languageLicence: 'apache-2.0', licenceNotice: 'For tests only.' }}
      />,
    )
    expect(textOf(html)).toBe(
      'Licence of its language model: Apache 2.0. Licence of the rest, by its card: not stated. ' +
        'Nobody states what is allowed: ask its owner before you use it. For tests only.',
    )
  })

  it('are preceded by whose it is, where it lies and at which revision', async () => {
    const place = {
      server: 'hub.test',
      url: 'https://hub.test/o/n/tree/0',
      owner: 'o',
      revision: '0'.repeat(40),
    }
    expect(textOf(await page(<ModelSourceLine place={place} />))).toBe(
      'Owner: o. Server: hub.test. Revision: 000000000000.',
    )
    expect(textOf(await page(<ModelSourceLine place={null} />))).toBe('From files of this computer.')
  })
})
