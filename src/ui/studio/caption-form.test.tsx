import { describe, expect, it, vi } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import {
  fakeBrowser,
  openPage,
  type FakePage,
  type PageOptions,
} from '../../../testing/state/fake-browser.ts'
import { fakeFolder } from '../../../testing/state/fake-studio.ts'
import { GREEDY } from '../../pack/decoding.ts'
import { captionOf } from '../../studio/caption.ts'
import { PLAIN } from '../../studio/compose.ts'
import type { RunSettings } from '../../studio/project.ts'
import { AltTextForm } from './alt-text-form.tsx'
import { CaptionForm } from './caption-form.tsx'

const SETTINGS: RunSettings = {
  target: 'caption',
  asked: { kind: 'caption', prompt: '' },
  decoding: GREEDY,
  existing: 'overwrite',
  dress: PLAIN,
}

async function opened(options: PageOptions = {}): Promise<FakePage> {
  const browser = options.browser ?? fakeBrowser()
  browser.folders.set('holiday', fakeFolder('holiday', { 'a.png': 'a', 'a.txt': 'one' }))
  const page = openPage({ ...options, browser })
  await page.store.getState().loadModel()
  await page.store.getState().studioActions.choose()
  return page
}

const onlyOf = ({ store }: FakePage) => {
  const [picture] = store.getState().studio.pictures
  if (picture === undefined) throw new Error('There is no picture.')
  return picture
}
const actionsOf = ({ store }: FakePage) => store.getState().studioActions

/** What stands in the boxes, in their order. */
async function boxes(page: FakePage, form: typeof CaptionForm | typeof AltTextForm): Promise<string[]> {
  const Form = form
  const html = await drawn(page.store, {}, <Form picture={onlyOf(page)} onDone={() => undefined} />)
  return [...html.matchAll(/<textarea[^>]*>([^<]*)</g)].map(([, text = '']) => text)
}

describe('What is typed into the boxes of a picture', () => {
  it('stays while a run writes its caption, and at the next visit, until it is accepted', async () => {
    let lying: unknown = null
    const drafts = { load: () => lying, save: (all: unknown) => void (lying = structuredClone(all)) }
    const page = await opened({ drafts })
    expect(await boxes(page, CaptionForm)).toEqual(['one'])
    actionsOf(page).keepTyped('caption', 'a.png', 'my own')
    await actionsOf(page).begin(SETTINGS)
    await vi.waitFor(() => expect(captionOf(onlyOf(page))).toBe('a cat'))
    expect(await boxes(page, CaptionForm)).toEqual(['my own'])
    await vi.waitFor(() => expect(page.store.getState().studio.run).toBeNull())
    await actionsOf(page).close()

    const later = await opened({ browser: page.browser, drafts })
    expect(await boxes(later, CaptionForm)).toEqual(['my own'])
    actionsOf(later).accept('a.png')
    expect([captionOf(onlyOf(later)), onlyOf(later).accepted, lying]).toEqual(['my own', true, {}])
    actionsOf(later).keepTyped('caption', 'a.png', '')
    expect(await boxes(later, CaptionForm)).toEqual([''])
    actionsOf(later).takeVersion('a.png', 0)
    expect(await boxes(later, CaptionForm)).toEqual(['one'])
  })

  it('is that of its box alone', async () => {
    const page = await opened()
    actionsOf(page).keepTyped('alt-text', 'a.png', 'One.')
    actionsOf(page).keepTyped('long-description', 'a.png', 'More of it.')
    expect(await boxes(page, AltTextForm)).toEqual(['One.', 'More of it.'])
    actionsOf(page).acceptAltText('a.png')
    actionsOf(page).writeLongDescription('a.png', 'All of it.')
    expect(onlyOf(page)).toMatchObject({ altText: 'One.', altAccepted: true, longDescription: 'All of it.' })
    expect(await boxes(page, AltTextForm)).toEqual(['One.', 'All of it.'])
    expect([captionOf(onlyOf(page)), onlyOf(page).accepted]).toEqual(['one', false])
    page.store.getState().changeWording('a turn', 'why?')
    actionsOf(page).keepTyped('caption', 'a.png', 'two')
    await actionsOf(page).removeProject(page.store.getState().studio.project?.id ?? '')
    expect(page.store.getState().drafts).toEqual({ 'a turn': 'why?' })
  })
})
