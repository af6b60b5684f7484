/** What is typed into the boxes of a picture and not saved yet. It stays until it is, whatever a run writes meanwhile. */

export type TypedBox = 'caption' | 'alt-text' | 'long-description'

/** Names a box among all drafts. */
export function typedKey(projectId: string, box: TypedBox, path: string): string {
  return `studio ${projectId} ${box} ${path}`
}
