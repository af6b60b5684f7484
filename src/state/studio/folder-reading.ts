/** What a folder and its project hold together, while people see how far that is. */
import { throwIfCancelled } from '../../pack/failure.ts'
import { uncaptioned, type CaptionedPicture } from '../../studio/caption.ts'
import { sortFolder, type FolderFile, type PictureFolder } from '../../studio/folder.ts'
import type { History } from '../../studio/history.ts'
import type { Project } from '../../studio/project.ts'
import { sidecarNames } from '../../studio/sidecar-names.ts'
import type { Studio, StudioDependencies } from './studio-slice.ts'

export interface FolderRead {
  files: ReadonlyMap<string, FolderFile>
  /** Of the folder, in its order. */
  pictures: readonly CaptionedPicture[]
  /** Those that were not known of it, which are to be kept. */
  added: readonly CaptionedPicture[]
  history: History
  unread: Studio['unread']
}

/** Lists the folder, and reads the captions of pictures that are new in it. Rejects `cancelled`. */
export async function readFolder(
  folder: PictureFolder,
  { id }: Project,
  {
    studio: { library, now },
    show,
    signal,
  }: { studio: StudioDependencies; show: (change: Partial<Studio>) => void; signal: AbortSignal },
): Promise<FolderRead> {
  const onFound = (done: number): void => show({ opening: { done, total: 0 } })
  const {
    pictures: listed,
    files,
    leftAside,
  } = sortFolder(await folder.list({ onFound: spaced(onFound), signal }))
  throwIfCancelled(signal)
  const kept = new Map((await library.pictures(id)).map((one) => [one.path, one]))
  const history = await library.history(id)
  const pictures = listed.map(({ path }) => kept.get(path) ?? uncaptioned(path))
  const unknown = pictures.filter(({ path }) => !kept.has(path))
  throwIfCancelled(signal)
  const names = sidecarNames(listed.map(({ path }) => path))
  const opening = { done: 0, total: unknown.length }
  show({ status: 'reading', pictures, leftAside, twins: names.twins, opening })
  const { withExisting } = await import('../../studio/existing.ts')
  const onProgress = (done: number, total: number): void => show({ opening: { done, total } })
  const options = { files, names, at: now(), signal, onProgress: spaced(onProgress) }
  const read = await withExisting(unknown, options)
  throwIfCancelled(signal)
  const added = new Map(read.pictures.map((one) => [one.path, one]))
  return {
    files,
    pictures: pictures.map((one) => added.get(one.path) ?? one),
    added: read.pictures,
    history,
    unread: read.failures,
  }
}

/** Progress is shown a few times a second: thousands of files are counted in that time. */
function spaced(show: (done: number, total: number) => void): (done: number, total?: number) => void {
  let shownAt = 0
  return (done, total = 0) => {
    const now = performance.now()
    if (now - shownAt < 100 && done !== total) return
    shownAt = now
    show(done, total)
  }
}
