import type { ReactElement } from 'react'
import { expect, it } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import { withPicture } from '../../../testing/state/fake-browser.ts'
import type { AppState } from '../../state/store.ts'
import { RunPanel } from '../studio/run-panel.tsx'
import { Composer } from '../talk/composer.tsx'
import { EmptyState } from '../talk/empty-state.tsx'

const FAILED = {
  status: 'failed',
  failure: { code: 'network', message: 'The server cannot be reached.' },
} as const
const RUN = {
  status: 'running',
  done: 0,
  total: 2,
  perMinute: null,
  secondsLeft: null,
  path: null,
  text: '',
} as const

/** One part of a page with a conversation, a folder that is captioned, and a model that has failed or not. */
async function said(part: ReactElement, change: Partial<AppState>): Promise<string> {
  const { store } = await withPicture()
  return drawn(store, { studio: { ...store.getState().studio, run: RUN }, ...change }, part)
}

it.each([
  ['before a conversation', <EmptyState key="" />],
  ['at the line to ask in', <Composer key="" />],
  ['at the folder that waits for it', <RunPanel key="" shown={[]} mode="captions" />],
])('A model that did not load is said, with another try: %s', async (_where, part) => {
  const failed = await said(part, { model: FAILED })
  expect(failed).toContain('The server cannot be reached.')
  expect(failed).toContain('Load again')
  expect(await said(part, {})).not.toContain('Load again')
})
