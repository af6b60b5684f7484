import { describe, expect, it, vi } from 'vitest'
import { fakeBrowser, openPage, type FakePage } from '../../../testing/state/fake-browser.ts'
import { fakeFolder, studioIn } from '../../../testing/state/fake-studio.ts'
import { AppError } from '../../pack/failure.ts'
import { GREEDY } from '../../pack/decoding.ts'
import { captionOf } from '../../studio/caption.ts'
import { PLAIN } from '../../studio/compose.ts'
import type { RunSettings } from '../../studio/project.ts'
import type { StudioDependencies } from './studio-slice.ts'

const studioOf = ({ store }: FakePage) => store.getState().studio
const actionsOf = ({ store }: FakePage) => store.getState().studioActions
const captions = (page: FakePage): string[] => studioOf(page).pictures.map(captionOf)
const SETTINGS: RunSettings = {
  target: 'caption',
  asked: { kind: 'caption', prompt: '' },
  decoding: GREEDY,
  existing: 'overwrite',
  dress: PLAIN,
}
const FILES = { 'a.png': 'a', 'a.txt': 'one', 'b.png': 'b', 'b.txt': 'two' }

function pageWith(change: (dependencies: StudioDependencies) => Partial<StudioDependencies> = () => ({})) {
  const browser = fakeBrowser()
  browser.folders.set('holiday', fakeFolder('holiday', FILES))
  let ids = 0
  const studio = change(studioIn(browser, () => `id ${(ids += 1)}`))
  return { browser, page: openPage({ browser, studio }) }
}

describe('a folder', () => {
  it('has what could not be kept kept with what comes next, and when it is closed', async () => {
    let isFull = false
    const { page } = pageWith(({ library }) => ({
      library: {
        ...library,
        keepPictures: (...saved) =>
          isFull ? Promise.reject(new AppError('no-space', 'Full.')) : library.keepPictures(...saved),
      },
    }))
    const { choose, write, close, reopen } = actionsOf(page)
    await choose()
    const id = studioOf(page).project?.id ?? ''
    const whileFull = async (path: string, text: string): Promise<void> => {
      isFull = true
      write(path, text)
      await vi.waitFor(() => expect(studioOf(page).failure?.code).toBe('no-space'), { interval: 1 })
      isFull = false
      actionsOf(page).dismissFailure()
    }
    await whileFull('a.png', 'first')
    write('b.png', 'second')
    await close()
    await reopen(id)
    expect(captions(page)).toEqual(['first', 'second'])
    await whileFull('a.png', 'third')
    await close()
    await reopen(id)
    expect(captions(page)).toEqual(['third', 'second'])
  })

  it('is not forgotten while another page works on it', async () => {
    const { browser, page } = pageWith()
    await actionsOf(page).choose()
    const id = studioOf(page).project?.id ?? ''
    const projects = async (): Promise<string[]> =>
      (await studioIn(browser, () => '').library.projects()).map((project) => project.id)
    const other = openPage({ browser })
    await other.store.getState().studioActions.removeProject(id)
    expect(studioOf(other).failure?.code).toBe('busy')
    expect(await projects()).toEqual([id])
    await actionsOf(page).removeProject(id)
    expect(await projects()).toEqual([])
    expect(studioOf(page)).toMatchObject({ projects: [], failure: null })
  })

  it('is opened as another page left it, with its run, or not at all', async () => {
    const { browser, page } = pageWith()
    await actionsOf(page).choose()
    const id = studioOf(page).project?.id ?? ''
    await actionsOf(page).close()
    const other = openPage({ browser })
    await actionsOf(other).restore()
    await actionsOf(page).reopen(id)
    await actionsOf(page).begin(SETTINGS)
    await actionsOf(page).pause()
    await actionsOf(page).close()
    const runs = async () =>
      (await studioIn(browser, () => '').library.projects()).map(({ run }) => run?.status)
    await actionsOf(other).reopen(id)
    expect([studioOf(other).run?.status, await runs()]).toEqual(['paused', ['paused']])
    await actionsOf(other).close()
    await actionsOf(page).removeProject(id)
    await actionsOf(other).reopen(id)
    expect(studioOf(other)).toMatchObject({ status: 'closed', projects: [], failure: { code: 'not-found' } })
    expect(await runs()).toEqual([])
  })

  it('has no run that another page has ended by the time that it is this page’s', async () => {
    const { browser, page } = pageWith()
    await actionsOf(page).choose()
    await actionsOf(page).begin(SETTINGS)
    const studio = studioIn(browser, () => '')
    const projects = vi.fn(studio.library.projects)
    projects.mockImplementationOnce(async () => {
      const before = await studio.library.projects()
      await actionsOf(page).end()
      await actionsOf(page).close()
      return before
    })
    const other = openPage({ browser, studio: { ...studio, library: { ...studio.library, projects } } })
    await actionsOf(other).restore()
    expect(studioOf(other)).toMatchObject({ status: 'closed', run: null, failure: null })
    await actionsOf(page).choose()
    expect(studioOf(page)).toMatchObject({ status: 'open', run: null, failure: null })
  })

  it('has a run that could not be begun at no later visit, and one that was paused paused', async () => {
    let isFull = false
    const { browser, page } = pageWith(({ library }) => ({
      library: {
        ...library,
        keepProject: (...saved) =>
          isFull ? Promise.reject(new AppError('no-space', 'Full.')) : library.keepProject(...saved),
      },
    }))
    const runs = async () =>
      (await studioIn(browser, () => '').library.projects()).map(({ run }) => run?.status)
    await actionsOf(page).choose()
    isFull = true
    await actionsOf(page).begin(SETTINGS)
    isFull = false
    actionsOf(page).write('a.png', 'first')
    await actionsOf(page).close()
    expect(await runs()).toEqual([undefined])
    await actionsOf(page).choose()
    await actionsOf(page).begin(SETTINGS)
    isFull = true
    await actionsOf(page).pause()
    isFull = false
    expect(await runs()).toEqual(['running'])
    await actionsOf(page).close()
    expect(await runs()).toEqual(['paused'])
  })

  it('that cannot be opened is free for whoever tries next', async () => {
    let fails = true
    const { page } = pageWith(({ mayUse }) => ({
      mayUse: (...asked) => (fails ? Promise.reject(new Error('No.')) : mayUse(...asked)),
    }))
    await actionsOf(page).choose()
    const id = studioOf(page).project?.id ?? ''
    await actionsOf(page).close()
    await actionsOf(page).reopen(id)
    expect(studioOf(page)).toMatchObject({ status: 'closed', failure: { code: 'bug' } })
    fails = false
    await actionsOf(page).reopen(id)
    expect(studioOf(page).status).toBe('open')
  })

  it('says how many pictures are called as others, its files at hand or not', async () => {
    let mayUse = true
    const { page } = pageWith(() => ({ mayUse: () => Promise.resolve(mayUse) }))
    await actionsOf(page).open(fakeFolder('twins', { ...FILES, 'a.jpg': 'c', 'more/a.png': 'd' }))
    expect(studioOf(page)).toMatchObject({ status: 'open', twins: 1 })
    const id = studioOf(page).project?.id ?? ''
    mayUse = false
    await actionsOf(page).reopen(id)
    expect(studioOf(page)).toMatchObject({ status: 'open', missing: 'permission', twins: 1 })
  })

  it('that was left while it was listed leaves the next one alone', async () => {
    const { page } = pageWith()
    let fail: (error: Error) => void = () => undefined
    const slow = { ...fakeFolder('slow', FILES), list: () => new Promise<never>((_, no) => (fail = no)) }
    const opening = actionsOf(page).open(slow)
    await vi.waitFor(() => expect(studioOf(page).status).toBe('listing'), { interval: 1 })
    await actionsOf(page).choose()
    expect(studioOf(page).status).toBe('open')
    fail(new Error('Too late.'))
    await opening
    expect(studioOf(page)).toMatchObject({ status: 'open', project: { name: 'holiday' }, failure: null })
  })

  it('is exported to the end though its pictures are compared meanwhile', async () => {
    const { browser, page } = pageWith()
    const folder = browser.folders.get('holiday')
    if (folder === undefined) throw new Error('There is none.')
    await actionsOf(page).open({
      ...folder,
      write: async (path, content) => {
        await actionsOf(page).findSamePictures()
        return folder.write?.(path, content)
      },
    })
    const options = { format: 'caption', bom: false, xmpName: 'stem' } as const
    await actionsOf(page).exportAll(options, 'folder', ['a.png', 'b.png'])
    expect(studioOf(page).exported).toMatchObject({ files: 2, failures: [] })
    expect(studioOf(page).prints?.size).toBe(2)
  })
})

describe('one picture', () => {
  it('has a step only where something changes, and an empty text is accepted by nobody', async () => {
    const { page } = pageWith()
    await actionsOf(page).choose()
    const { write, accept, writeAltText, writeLongDescription, takeVersion } = actionsOf(page)
    const steps = (): number => studioOf(page).history.done.length
    writeAltText('a.png', ' ')
    writeLongDescription('a.png', '')
    expect(steps()).toBe(0)
    write('a.png', 'one')
    expect(studioOf(page).pictures[0]?.accepted).toBe(true)
    write('a.png', 'one')
    accept('a.png')
    takeVersion('a.png', 0)
    expect(steps()).toBe(1)
    write('a.png', '')
    write('a.png', '')
    expect(studioOf(page).pictures[0]).toMatchObject({ accepted: false })
    expect(steps()).toBe(2)
  })
})
