/** What is typed into the boxes of a picture and not saved yet. It stays until it is, whatever a run writes meanwhile. */

export type TypedBox = 'caption' | 'alt-text' | 'long-description'

/** Names a box among all drafts. */
export function typedKey(projectId: string, box: TypedBox, path: string): string {
  return `${keysOf(projectId)}${box} ${path}`
}

/** What the names of all boxes of a folder begin with. */
export function keysOf(projectId: string): string {
  return `studio ${projectId} `
}
