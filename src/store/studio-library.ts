/** Captioned folders as they are kept in this browser: a table of projects, and for each a table of its pictures. */
import { AppError } from '../pack/failure.ts'
import type { CaptionedPicture } from '../studio/caption.ts'
import type { StudioLibrary } from '../studio/library.ts'
import type { Project } from '../studio/project.ts'
import { soundPicture, soundProject } from '../studio/sound.ts'
import { browserTable, type OpenTable } from './indexed-db.ts'
import type { Table } from './table.ts'

export function openStudioLibrary(open: OpenTable = browserTable): StudioLibrary {
  const projects = open<Project>('pictalk-studio')
  const tables = new Map<string, Table<CaptionedPicture>>()
  const picturesOf = (id: string): Table<CaptionedPicture> => {
    const table = tables.get(id) ?? open<CaptionedPicture>(`pictalk-studio-${id}`)
    tables.set(id, table)
    return table
  }
  return {
    async projects() {
      const kept = (await projects.values()).flatMap((record) => soundProject(record) ?? [])
      return kept.sort((one, other) => other.changedAt - one.changedAt)
    },
    saveProject: (project) => projects.set(project.id, project).catch(explain),
    async removeProject(id) {
      // The name goes first: captions that nobody finds any more are only bytes.
      await projects.remove([id])
      const pictures = picturesOf(id)
      await pictures.remove(await pictures.keys())
    },
    pictures: async (id) => (await picturesOf(id).values()).flatMap((record) => soundPicture(record) ?? []),
    savePictures: (id, pictures) =>
      picturesOf(id)
        .setAll(pictures.map((picture) => [picture.path, picture]))
        .catch(explain),
  }
}

/** The table's own words are about models. */
function explain(cause: unknown): never {
  if (!(cause instanceof AppError && cause.code === 'no-space')) throw cause
  throw new AppError(
    'no-space',
    'The disk is full, so captions cannot be kept; free some space, and go on.',
    { cause },
  )
}
