import type { ReactElement } from 'react'
import { expect, it } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import { withPicture } from '../../../testing/state/fake-browser.ts'
import { progressOf } from '../../../testing/state/fake-keeper.ts'
import type { Language } from '../../messages/languages.ts'
import { FAILURE_CODES } from '../../pack/failure.ts'
import type { FetchDelay } from '../../protocol/keeper-calls.ts'
import { ProgressBars } from '../models/progress-bars.tsx'
import { FailureWords } from './failure-words.tsx'

async function said(part: ReactElement, language: Language): Promise<string> {
  const { store } = await withPicture()
  return drawn(store, {}, part, language)
}

it('A failure is said in English by its own sentence alone', async () => {
  const part = <FailureWords failure={{ code: 'no-space', message: 'The disk is full.' }} />
  expect(await said(part, 'en')).toBe('The disk is full.')
})

it('A failure is said by its kind in another language, and exactly in English', async () => {
  const kinds = new Set<string>()
  for (const code of FAILURE_CODES) {
    const words = await said(<FailureWords failure={{ code, message: 'The exact one.' }} />, 'de')
    const [, kind = ''] = /^(.*) <span class="exactly" lang="en">The exact one\.<\/span>$/.exec(words) ?? []
    kinds.add(kind)
  }
  expect(kinds).toContain('Der Speicherplatz reicht nicht; schaffen Sie Platz.')
  expect(kinds.size).toBe(FAILURE_CODES.length)
  expect(kinds).not.toContain('')
})

it.each<[why: string, delay: FetchDelay | null | undefined, sentence: string]>([
  ['no connection', 'offline', '<span>Es gibt keine Verbindung; sobald es eine gibt, geht es weiter.</span>'],
  [
    'an attempt that failed',
    { failure: { code: 'network', message: 'It is busy (503).' }, seconds: 3 },
    '<span class="exactly" lang="en">It is busy (503).</span> Nächster Versuch in 3 Sekunden.</span>',
  ],
  ['nothing', null, '</ul></div>'],
  ['nothing that a page of an older version says', undefined, '</ul></div>'],
])('A download that stands still says why in the language of the page: %s', async (_why, delay, sentence) => {
  const progress = progressOf(5)
  if (delay === undefined) delete progress.delay
  else progress.delay = delay
  const part = <ProgressBars progress={progress} />
  expect(await said(part, 'de')).toContain(sentence)
})
