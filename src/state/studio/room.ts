/** The folder that is open: where its files are, what is kept of it, and every change to that. */
import type { Saying } from '../../messages/note.ts'
import { AppError, throwIfCancelled, toFailure } from '../../pack/failure.ts'
import { uncaptioned, type CaptionedPicture } from '../../studio/caption.ts'
import { sortFolder, type FolderFile, type PictureFolder } from '../../studio/folder.ts'
import { comparePaths } from '../../studio/picture-files.ts'
import type { Project } from '../../studio/project.ts'
import type { GetState, SetState } from '../store.ts'
import { elsewhere, holdFolder, whileFree } from './folder-lock.ts'
import { CLOSED, type Studio, type StudioSources } from './studio-slice.ts'

/** What takes its time, each thing once at a time. */
export type Undertaking = 'opening' | 'exporting' | 'matching' | 'printing'

export class Room {
  readonly #set: SetState
  readonly #get: GetState
  readonly #sources: StudioSources
  #folder: PictureFolder | null = null
  #files: ReadonlyMap<string, FolderFile> = new Map()
  /** Lets another page have the folder. */
  #release: () => Promise<void> = () => Promise.resolve()
  readonly #underWay = new Map<Undertaking, AbortController>()
  /** What is to be kept is kept in the order in which it came. */
  #saving: Promise<void> = Promise.resolve()
  /** Pictures that could not be kept, by path: they go along with the next that are. */
  #unkept: ReadonlyMap<string, CaptionedPicture> = new Map()
  /** Told when pictures can be opened, with the run that was under way. */
  onOpened: () => void = () => undefined
  /** Told before the folder is left. */
  onClosing: () => Promise<void> = () => Promise.resolve()

  constructor(set: SetState, get: GetState, sources: StudioSources) {
    this.#set = set
    this.#get = get
    this.#sources = sources
  }

  get studio(): Studio {
    return this.#get().studio
  }

  get folder(): PictureFolder | null {
    return this.#folder
  }

  show(change: Partial<Studio>): void {
    this.#set({ studio: { ...this.studio, ...change } })
  }

  /** What a screen reader should hear next. */
  announce(saying: Saying): void {
    this.#set({ announcement: saying })
  }

  /** A new signal for something that takes its time; what of its kind had the former one ends. */
  begin(what: Undertaking): AbortSignal {
    this.cancel(what)
    const abort = new AbortController()
    this.#underWay.set(what, abort)
    return abort.signal
  }

  cancel(what: Undertaking): void {
    this.#underWay.get(what)?.abort()
  }

  /** Whether what has this signal still belongs to the folder that is open; cancelled or not. */
  isOfThis(what: Undertaking, signal: AbortSignal): boolean {
    return this.#underWay.get(what)?.signal === signal
  }

  /** Shows what failed; that people ended something is no failure. */
  fail(error: unknown): void {
    const failure = toFailure(error)
    if (failure.code !== 'cancelled') this.show({ failure })
  }

  picture(path: string): CaptionedPicture | undefined {
    return this.studio.pictures.find((picture) => picture.path === path)
  }

  /** Shows and keeps pictures that have changed. Rejects when they cannot be kept; they are shown all the same. */
  put(changed: readonly CaptionedPicture[]): Promise<void> {
    const byPath = new Map(changed.map((picture) => [picture.path, picture]))
    this.show({ pictures: this.studio.pictures.map((picture) => byPath.get(picture.path) ?? picture) })
    return this.keep(changed)
  }

  /** Keeps pictures as they are shown. */
  keep(pictures: readonly CaptionedPicture[]): Promise<void> {
    const { project } = this.studio
    if (project === null) return Promise.resolve()
    return this.#inOrder(async () => {
      const due = new Map(this.#unkept)
      for (const picture of pictures) due.set(picture.path, picture)
      if (due.size === 0) return
      this.#unkept = due
      await this.#sources.library.savePictures(project.id, [...due.values()])
      this.#unkept = new Map()
    })
  }

  /** Changes what is kept of the project itself. */
  changeProject(change: Partial<Project>): Promise<void> {
    const { project, projects } = this.studio
    if (project === null) return Promise.resolve()
    const next = { ...project, ...change, changedAt: this.#sources.now() }
    this.show({ project: next, projects: [next, ...projects.filter(({ id }) => id !== next.id)] })
    return this.#inOrder(() => this.#sources.library.saveProject(next))
  }

  #inOrder(save: () => Promise<void>): Promise<void> {
    const saved = this.#saving.then(save)
    this.#saving = saved.catch((error: unknown) => this.fail(error))
    return saved
  }

  async file(path: string): Promise<Blob> {
    const file = this.#files.get(path)
    if (file === undefined)
      throw new AppError('not-found', 'This picture is not in the folder any more; open the folder anew.')
    return file.open()
  }

  async restore(): Promise<void> {
    try {
      const projects = await this.#sources.library.projects()
      const [last] = projects
      this.show({ projects })
      if (last?.run?.status !== 'running' || this.studio.status !== 'closed') return
      // What another page works on goes on there.
      if (await this.#hold(last.id)) await this.#takeUp(last)
    } catch (error) {
      this.fail(error)
    }
  }

  async #takeUp(project: Project): Promise<void> {
    try {
      this.show({ status: 'listing', project })
      await this.#openKept(project, { ask: false })
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  async choose(): Promise<boolean> {
    const folder = await this.#sources.chooseFolder()
    if (folder === 'none') return false
    if (folder !== null) await this.open(folder)
    return true
  }

  /** Opens a folder: goes on with what is kept of it, if that is the one whose files are missing or it has the same handle. */
  async open(folder: PictureFolder): Promise<void> {
    const { project, missing } = this.studio
    if (project !== null && missing === 'files' && project.name === folder.name)
      return this.#fill(folder, project)
    await this.close()
    try {
      const known = await this.#knownAs(folder)
      const { newId, now } = this.#sources
      const opened: Project = known ?? {
        id: newId(),
        name: folder.name,
        changedAt: now(),
        handle: folder.handle,
        run: null,
        settings: null,
      }
      if (!(await this.#hold(opened.id))) throw elsewhere()
      await this.#fill(folder, opened)
    } catch (error) {
      await this.#leave()
      this.fail(error)
    }
  }

  async reopen(id: string): Promise<void> {
    await this.close()
    const project = this.studio.projects.find((one) => one.id === id)
    if (project === undefined) return
    try {
      if (!(await this.#hold(id))) throw elsewhere()
      await this.#openKept(project, { ask: true })
    } catch (error) {
      await this.#leave()
      this.fail(error)
    }
  }

  async #openKept(project: Project, options: { ask: boolean }): Promise<void> {
    const { handle } = project
    if (handle !== null && (await this.#sources.mayUse(handle, options))) {
      await this.#fill(this.#sources.openHandle(handle), project)
      return
    }
    // Without its files captions can be corrected and exported all the same.
    const pictures = await this.#sources.library.pictures(project.id)
    this.show({
      ...CLOSED,
      status: 'open',
      project,
      pictures: pictures.sort((one, other) => comparePaths(one.path, other.path)),
      missing: handle === null ? 'files' : 'permission',
    })
    this.onOpened()
  }

  /** Lists the folder, reads the captions of pictures that are new in it, and shows it all. */
  async #fill(folder: PictureFolder, project: Project): Promise<void> {
    const signal = this.begin('opening')
    this.show({ ...CLOSED, status: 'listing', project, opening: { done: 0, total: 0 }, failure: null })
    try {
      const onFound = (done: number): void => this.show({ opening: { done, total: 0 } })
      const sorted = sortFolder(await folder.list({ onFound: spaced(onFound), signal }))
      throwIfCancelled(signal)
      const kept = new Map((await this.#sources.library.pictures(project.id)).map((one) => [one.path, one]))
      const pictures = sorted.pictures.map(({ path }) => kept.get(path) ?? uncaptioned(path))
      const unknown = pictures.filter(({ path }) => !kept.has(path))
      this.show({
        status: 'reading',
        pictures,
        leftAside: sorted.leftAside,
        opening: { done: 0, total: unknown.length },
      })
      const { withExisting } = await import('../../studio/existing.ts')
      const onProgress = (done: number, total: number): void => this.show({ opening: { done, total } })
      const read = await withExisting(unknown, {
        files: sorted.files,
        at: this.#sources.now(),
        signal,
        onProgress: spaced(onProgress),
      })
      throwIfCancelled(signal)
      this.#folder = folder
      this.#files = sorted.files
      const found = new Map(read.pictures.map((one) => [one.path, one]))
      this.show({
        status: 'open',
        opening: null,
        pictures: pictures.map((one) => found.get(one.path) ?? one),
        unread: read.failures,
        canWrite: folder.write !== null,
      })
      await this.keep(read.pictures)
      throwIfCancelled(signal)
      await this.changeProject({ handle: folder.handle ?? project.handle })
      this.onOpened()
    } catch (error) {
      // The folder was left, and another may be open.
      if (!this.isOfThis('opening', signal)) return
      await this.#leave()
      this.fail(error)
    }
  }

  async close(): Promise<void> {
    if (this.studio.status === 'closed') return
    await this.onClosing()
    // What could not be kept may be by now; that it still cannot be is shown.
    await this.keep([]).catch(() => undefined)
    await this.#leave()
  }

  async #leave(): Promise<void> {
    for (const abort of this.#underWay.values()) abort.abort()
    this.#underWay.clear()
    this.#folder = null
    this.#files = new Map()
    await this.#saving
    this.#unkept = new Map()
    const release = this.#release
    this.#release = () => Promise.resolve()
    await release()
    this.show({ ...CLOSED })
  }

  async forget(id: string): Promise<void> {
    try {
      if (this.studio.project?.id === id) await this.close()
      const { library, locks } = this.#sources
      await whileFree(locks, id, () => library.removeProject(id))
      this.show({ projects: this.studio.projects.filter((project) => project.id !== id) })
    } catch (error) {
      this.fail(error)
    }
  }

  /** Has the folder for this page until it is left; false when another page has it. */
  async #hold(id: string): Promise<boolean> {
    const release = await holdFolder(this.#sources.locks, id)
    if (release !== null) this.#release = release
    return release !== null
  }

  async #knownAs({ handle }: PictureFolder): Promise<Project | undefined> {
    if (handle === null) return undefined
    // Another page may have opened it since this one was.
    for (const project of await this.#sources.library.projects())
      if (project.handle !== null && (await handle.isSameEntry(project.handle))) return project
    return undefined
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
