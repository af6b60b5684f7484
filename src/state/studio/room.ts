/** The folder that is open: where its files are, what is kept of it, and every change to that. */
import type { Saying } from '../../messages/note.ts'
import { AppError, throwIfCancelled, toFailure } from '../../pack/failure.ts'
import type { CaptionedPicture } from '../../studio/caption.ts'
import type { FolderFile, PictureFolder } from '../../studio/folder.ts'
import { comparePaths } from '../../studio/picture-files.ts'
import { NO_HISTORY, type History } from '../../studio/history.ts'
import type { Project } from '../../studio/project.ts'
import { sidecarNames } from '../../studio/sidecar-names.ts'
import type { GetState, SetState } from '../store.ts'
import { elsewhere, holdFolder, whileFree } from './folder-lock.ts'
import { readFolder } from './folder-reading.ts'
import { Keeping } from './keeping.ts'
import type { Studio, StudioDependencies } from './studio-slice.ts'
import { keysOf, typedKey, type TypedBox } from './typed.ts'

/** What takes its time, each thing once at a time. */
export type Undertaking = 'opening' | 'exporting' | 'matching' | 'printing'

/** What the page sees while no folder is open. */
export const CLOSED: Omit<Studio, 'projects' | 'failure'> = {
  status: 'closed',
  opening: null,
  project: null,
  pictures: [],
  leftAside: 0,
  twins: 0,
  unread: [],
  missing: null,
  canWrite: false,
  run: null,
  history: NO_HISTORY,
  prints: null,
  printing: null,
  matching: null,
  exporting: null,
  exported: null,
}

export class Room {
  readonly #set: SetState
  readonly #get: GetState
  readonly #dependencies: StudioDependencies
  #folder: PictureFolder | null = null
  #files: ReadonlyMap<string, FolderFile> = new Map()
  /** Lets another page have the folder. */
  #release: () => Promise<void> = () => Promise.resolve()
  readonly #underWay = new Map<Undertaking, AbortController>()
  readonly #keeping: Keeping
  /** Told when pictures can be opened, with the run that was under way. */
  onOpened: () => void = () => undefined
  /** Told before the folder is left. */
  onClosing: () => Promise<void> = () => Promise.resolve()

  constructor(set: SetState, get: GetState, dependencies: StudioDependencies) {
    this.#set = set
    this.#get = get
    this.#dependencies = dependencies
    this.#keeping = new Keeping(dependencies.library, (error) => this.fail(error))
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

  /** What is typed into a box of a picture and not saved; undefined where nothing is. */
  typed(box: TypedBox, path: string): string | undefined {
    const { drafts, studio } = this.#get()
    return studio.project === null ? undefined : drafts[typedKey(studio.project.id, box, path)]
  }

  /** Null once it is saved, or nobody wants it. */
  keepTyped(box: TypedBox, path: string, text: string | null): void {
    const { project } = this.studio
    if (project !== null && (text ?? this.typed(box, path)) !== undefined)
      this.#get().keepTyped(typedKey(project.id, box, path), text)
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
    return this.#keeping.pictures(project.id, pictures)
  }

  /** Shows and keeps what can be taken back. */
  changeHistory(history: History): Promise<void> {
    const { project } = this.studio
    this.show({ history })
    if (project === null) return Promise.resolve()
    return this.#keeping.history(project.id, history)
  }

  /** Changes what is kept of the project itself. */
  changeProject(change: Partial<Project>): Promise<void> {
    const { project, projects } = this.studio
    if (project === null) return Promise.resolve()
    const next = { ...project, ...change, changedAt: this.#dependencies.now() }
    this.show({ project: next, projects: [next, ...projects.filter(({ id }) => id !== next.id)] })
    return this.#keeping.project(next)
  }

  async file(path: string): Promise<Blob> {
    const file = this.#files.get(path)
    if (file === undefined)
      throw new AppError('not-found', 'This picture is not in the folder any more; open the folder anew.')
    return file.open()
  }

  async restore(): Promise<void> {
    try {
      const projects = await this.#dependencies.library.projects()
      const [last] = projects
      this.show({ projects })
      if (last?.run?.status !== 'running' || this.studio.status !== 'closed') return
      // What another page works on goes on there.
      if (await this.#hold(last.id)) await this.#takeUp(last.id)
    } catch (error) {
      this.fail(error)
    }
  }

  async #takeUp(id: string): Promise<void> {
    try {
      const project = await this.#asKept(id)
      // Another page has ended it meanwhile, or forgotten it.
      if (project?.run?.status !== 'running') {
        await this.#leave()
        return
      }
      this.show({ status: 'listing', project })
      await this.#openKept(project, { ask: false })
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  async choose(): Promise<boolean> {
    const folder = await this.#dependencies.chooseFolder()
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
      const { newId, now } = this.#dependencies
      const id = known?.id ?? newId()
      if (!(await this.#hold(id))) throw elsewhere()
      const opened: Project = (known && (await this.#asKept(id))) ?? {
        id,
        name: folder.name,
        changedAt: now(),
        handle: folder.handle,
        run: null,
        settings: null,
      }
      await this.#fill(folder, opened)
    } catch (error) {
      await this.#leave()
      this.fail(error)
    }
  }

  async reopen(id: string): Promise<void> {
    await this.close()
    if (!this.studio.projects.some((one) => one.id === id)) return
    try {
      if (!(await this.#hold(id))) throw elsewhere()
      const project = await this.#asKept(id)
      if (project === undefined) throw forgotten()
      await this.#openKept(project, { ask: true })
    } catch (error) {
      await this.#leave()
      this.fail(error)
    }
  }

  async #openKept(project: Project, options: { ask: boolean }): Promise<void> {
    const { handle } = project
    if (handle !== null && (await this.#dependencies.mayUse(handle, options))) {
      await this.#fill(this.#dependencies.openHandle(handle), project)
      return
    }
    // Without its files captions can be corrected and exported all the same.
    const { library } = this.#dependencies
    const pictures = (await library.pictures(project.id)).sort((one, other) =>
      comparePaths(one.path, other.path),
    )
    this.show({
      ...CLOSED,
      status: 'open',
      project,
      history: await library.history(project.id),
      pictures,
      twins: sidecarNames(pictures.map(({ path }) => path)).twins,
      missing: handle === null ? 'files' : 'permission',
    })
    this.onOpened()
  }

  /** Reads the folder, and shows and keeps what is in it. */
  async #fill(folder: PictureFolder, project: Project): Promise<void> {
    const signal = this.begin('opening')
    this.show({ ...CLOSED, status: 'listing', project, opening: { done: 0, total: 0 }, failure: null })
    try {
      const show = (change: Partial<Studio>): void => this.show(change)
      const read = await readFolder(folder, project, { studio: this.#dependencies, show, signal })
      this.#folder = folder
      this.#files = read.files
      const { pictures, history, unread } = read
      this.show({ status: 'open', opening: null, pictures, history, unread, canWrite: folder.write !== null })
      await this.keep(read.added)
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
    await this.#keeping.end()
    const release = this.#release
    this.#release = () => Promise.resolve()
    await release()
    this.show({ ...CLOSED })
  }

  async removeProject(id: string): Promise<void> {
    try {
      if (this.studio.project?.id === id) await this.close()
      const { library, locks } = this.#dependencies
      await whileFree(locks, id, () => library.removeProject(id))
      const { drafts, keepTyped } = this.#get()
      for (const key of Object.keys(drafts)) if (key.startsWith(keysOf(id))) keepTyped(key, null)
      this.show({ projects: this.studio.projects.filter((project) => project.id !== id) })
    } catch (error) {
      this.fail(error)
    }
  }

  /** Has the folder for this page until it is left; false when another page has it. */
  async #hold(id: string): Promise<boolean> {
    const release = await holdFolder(this.#dependencies.locks, id)
    if (release !== null) this.#release = release
    return release !== null
  }

  /** Once it is this page's: until then another may have worked on it, or forgotten it. */
  async #asKept(id: string): Promise<Project | undefined> {
    const projects = await this.#dependencies.library.projects()
    this.show({ projects })
    return projects.find((project) => project.id === id)
  }

  async #knownAs({ handle }: PictureFolder): Promise<Project | undefined> {
    if (handle === null) return undefined
    // Another page may have opened it since this one was.
    for (const project of await this.#dependencies.library.projects())
      if (project.handle !== null && (await handle.isSameEntry(project.handle))) return project
    return undefined
  }
}

function forgotten(): AppError {
  return new AppError(
    'not-found',
    'The captions of this folder were deleted in another tab; choose the folder anew.',
  )
}
