import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import { uncaptioned } from '../../studio/caption.ts'
import { NO_HISTORY } from '../../studio/history.ts'
import type { StudioLibrary } from '../../studio/library.ts'
import type { Project } from '../../studio/project.ts'
import { Keeping } from './keeping.ts'

const PROJECT: Project = { id: 'p', name: 'p', changedAt: 1, handle: null, run: null, settings: null }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('what could not be kept of a folder is tried again until there is room, said once, and not beyond its end', async () => {
  let isFull = true
  const kept: string[] = []
  const save = (what: string): Promise<void> => {
    if (isFull) return Promise.reject(new AppError('no-space', 'Full.'))
    kept.push(what)
    return Promise.resolve()
  }
  const library: StudioLibrary = {
    projects: () => Promise.resolve([]),
    keepProject: () => save('project'),
    removeProject: () => Promise.resolve(),
    pictures: () => Promise.resolve([]),
    keepPictures: (_, pictures) => save(pictures.map(({ path }) => path).join()),
    history: () => Promise.resolve(NO_HISTORY),
    keepHistory: () => save('history'),
  }
  const fail = vi.fn()
  const keeping = new Keeping(library, fail)
  const all = (): Promise<unknown> =>
    Promise.allSettled([
      keeping.history('p', NO_HISTORY),
      keeping.pictures('p', [uncaptioned('a')]),
      keeping.pictures('p', [uncaptioned('b')]),
      keeping.project(PROJECT),
    ])
  await all()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(fail).toHaveBeenCalledTimes(4)
  isFull = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect(kept).toEqual(['history', 'project', 'a,b'])
  expect(vi.getTimerCount()).toBe(0)

  isFull = true
  await all()
  await keeping.end()
  isFull = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect(kept).toHaveLength(3)
})
