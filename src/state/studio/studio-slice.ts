/** The caption studio: a folder of pictures, a run over it, and correcting what came of that. */
import type { CaptionedPicture } from '../../studio/caption.ts'
import type { Change } from '../../studio/edits.ts'
import type { ExportOptions } from '../../studio/export-formats.ts'
import type { PictureFolder } from '../../studio/folder.ts'
import type { StudioLibrary } from '../../studio/library.ts'
import type { Project, RunSettings } from '../../studio/project.ts'
import type { Rows } from '../../studio/duplicates.ts'
import type { Failure } from '../../pack/failure.ts'
import type { History } from '../../studio/history.ts'
import type { Answering } from '../answering.ts'
import type { EngineAccess } from '../engine-access.ts'
import type { Comparing } from '../search/comparing.ts'
import type { GetState, SetState } from '../store.ts'
import { Captioning } from './captioning.ts'
import { Correcting } from './correcting.ts'
import { Exporting } from './exporting.ts'
import { Matching } from './matching.ts'
import { CLOSED, Room, type Undertaking } from './room.ts'
import type { TypedBox } from './typed.ts'

/** What the studio has from outside. */
export interface StudioDependencies {
  library: StudioLibrary
  /** A folder is worked on by one page at a time. */
  locks: { ifFree<T>(name: string, work: () => Promise<T>): Promise<T | undefined> }
  newId: () => string
  /** Milliseconds since 1970. */
  now: () => number
  openHandle: (handle: FileSystemDirectoryHandle) => PictureFolder
  /** Whether a kept folder may be read and written; with `ask` people are asked, which takes a click of theirs. */
  mayUse: (handle: FileSystemDirectoryHandle, options: { ask: boolean }) => Promise<boolean>
  /** `none` where this browser picks files only; null when nothing was picked. */
  chooseFolder: () => Promise<PictureFolder | 'none' | null>
  offerFile: (file: Blob, name: string) => void
  /** A picture at a few pixels a side, as much as telling pictures apart takes. Rejects for what cannot be drawn. */
  smallRows: (image: Blob) => Promise<Rows>
}

/** How far something is that takes its time. */
export interface Counted {
  done: number
  total: number
}

export interface RunProgress extends Counted {
  status: 'running' | 'paused'
  /** Of the last pictures; null before the second. */
  perMinute: number | null
  secondsLeft: number | null
  /** The picture that is captioned now, and its words so far. */
  path: string | null
  text: string
}

export interface ExportResult {
  files: number
  pictures: number
  failures: readonly { path: string; failure: Failure }[]
}

export interface Studio {
  /** Folders that were worked on, the last one first. */
  projects: readonly Project[]
  status: 'closed' | 'listing' | 'reading' | 'open'
  opening: Counted | null
  project: Project | null
  pictures: readonly CaptionedPicture[]
  leftAside: number
  /** Pictures that are called as another one but for the ending. */
  twins: number
  /** Side files that could not be read. */
  unread: readonly { path: string; failure: Failure }[]
  /** Why pictures cannot be opened now: the browser wants to be asked again, or files have to be chosen again. */
  missing: 'permission' | 'files' | null
  canWrite: boolean
  run: RunProgress | null
  history: History
  /** Prints of pictures by path (`pictureHash`), once they were asked for. */
  prints: ReadonlyMap<string, string> | null
  printing: Counted | null
  /** Captions that are compared with their pictures. */
  matching: Counted | null
  exporting: Counted | null
  exported: ExportResult | null
  failure: Failure | null
}

export interface StudioActions {
  /** Finds what is kept, and goes on with a run that was under way. */
  restore: () => Promise<void>
  /** Has a folder picked; false where the browser can only pick files. */
  choose: () => Promise<boolean>
  open: (folder: PictureFolder) => Promise<void>
  /** The same for a folder of this computer, by what the browser knows it by; false where people did not allow it. */
  openHandle: (handle: FileSystemDirectoryHandle) => Promise<boolean>
  /** Opens a folder that was worked on before. */
  reopen: (id: string) => Promise<void>
  close: () => Promise<void>
  /** Lets go of everything that is kept of a folder; its files stay. */
  removeProject: (id: string) => Promise<void>
  /** The picture's file. Rejects `not-found`. */
  file: (path: string) => Promise<Blob>
  dismissFailure: () => void

  /** Captions pictures: all, or those at `paths`. */
  begin: (settings: RunSettings, paths?: readonly string[]) => Promise<void>
  pause: () => Promise<void>
  resume: () => Promise<void>
  /** Ends the run; what it has written stays. */
  end: () => Promise<void>
  /** Leaves the picture under way as it is, and goes on with the next. */
  skip: () => void
  /** Captions one picture again, whatever it has. */
  again: (path: string, settings: RunSettings) => void

  /** What is typed into a box and not saved yet; null for nothing. */
  keepTyped: (box: TypedBox, path: string, text: string | null) => void
  write: (path: string, text: string) => void
  /** Accepts the caption, as it is typed where it is. */
  accept: (path: string) => void
  /** Takes an earlier version, or one of several answers. */
  takeVersion: (path: string, index: number) => void
  takeCandidate: (path: string, index: number) => void
  writeAltText: (path: string, text: string) => void
  writeLongDescription: (path: string, text: string) => void
  acceptAltText: (path: string) => void
  /** Makes alternative texts of the captions at `paths` where there are none. Gives how many. */
  fillAltTexts: (paths: readonly string[]) => number
  apply: (changes: readonly Change[], step: string) => void
  undo: () => void
  redo: () => void
  findSamePictures: () => Promise<void>
  /** Scores how well captions fit their pictures, where that was not done. */
  matchAll: () => Promise<void>

  /** Into the folder, or as a ZIP file where `into` says so. */
  exportAll: (options: ExportOptions, into: 'folder' | 'zip', paths: readonly string[]) => Promise<void>
  cancel: (what: Undertaking) => void
}

export interface StudioSlice {
  studio: Studio
  studioActions: StudioActions
}

export function studioSlice(
  set: SetState,
  get: GetState,
  dependencies: StudioDependencies,
  {
    engine,
    answering,
    comparing,
  }: { engine: EngineAccess; answering: Answering; comparing: Pick<Comparing, 'call'> },
): StudioSlice {
  const room = new Room(set, get, dependencies)
  const captioning = new Captioning(get, room, { engine, answering, studio: dependencies })
  const correcting = new Correcting(room, dependencies)
  const exporting = new Exporting(room, dependencies)
  const matching = new Matching(room, comparing)
  return {
    studio: { ...CLOSED, projects: [], failure: null },
    studioActions: {
      restore: () => room.restore(),
      choose: () => room.choose(),
      open: (folder) => room.open(folder),
      async openHandle(handle) {
        const may = await dependencies.mayUse(handle, { ask: true })
        if (may) await room.open(dependencies.openHandle(handle))
        return may
      },
      reopen: (id) => room.reopen(id),
      close: () => room.close(),
      removeProject: (id) => room.removeProject(id),
      file: (path) => room.file(path),
      dismissFailure: () => room.show({ failure: null }),
      begin: (settings, paths) => captioning.begin(settings, paths),
      pause: () => captioning.pause(),
      resume: () => captioning.resume(),
      end: () => captioning.end(),
      skip: () => captioning.skip(),
      again: (path, settings) => captioning.again(path, settings),
      keepTyped: (box, path, text) => room.keepTyped(box, path, text),
      write: (path, text) => correcting.write(path, text),
      accept: (path) => correcting.accept(path),
      takeVersion: (path, index) => correcting.takeVersion(path, index),
      takeCandidate: (path, index) => correcting.takeCandidate(path, index),
      writeAltText: (path, text) => correcting.writeAltText(path, text),
      writeLongDescription: (path, text) => correcting.writeLongDescription(path, text),
      acceptAltText: (path) => correcting.acceptAltText(path),
      fillAltTexts: (paths) => correcting.fillAltTexts(paths),
      apply: (changes, step) => correcting.apply(changes, step),
      undo: () => correcting.undo(),
      redo: () => correcting.redo(),
      findSamePictures: () => correcting.findSamePictures(),
      matchAll: () => matching.matchAll(),
      exportAll: (options, into, paths) => exporting.exportAll(options, into, paths),
      cancel: (what) => room.cancel(what),
    },
  }
}
