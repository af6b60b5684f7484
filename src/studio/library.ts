/** Where captioned folders are kept between visits. Implemented in `store`. */
import type { CaptionedPicture } from './caption.ts'
import type { History } from './history.ts'
import type { Project } from './project.ts'

/** What has resolved is on the disk. Every call that writes throws `no-space` when that is full. */
export interface StudioLibrary {
  /** Those that were changed last come first. */
  projects(): Promise<Project[]>
  keepProject(project: Project): Promise<void>
  removeProject(id: string): Promise<void>
  /** In no order. Entries that are damaged are left out, and stay as they are. */
  pictures(projectId: string): Promise<CaptionedPicture[]>
  /** All of them, or none. */
  keepPictures(projectId: string, pictures: readonly CaptionedPicture[]): Promise<void>
  /** What can be taken back; steps that are damaged take those with them that were before or are behind. */
  history(projectId: string): Promise<History>
  /** In one step, too. */
  keepHistory(projectId: string, history: History): Promise<void>
}
