import type { ReadFile } from './reference.ts'

/** Reads reference files from the dev server, which answers unknown paths with the page: only what is not HTML counts. */
export const readFromServer: ReadFile = async (path) => {
  const response = await fetch(`/models/reference/${path}`)
  const html = response.headers.get('content-type')?.startsWith('text/html') ?? false
  return response.ok && !html ? response.arrayBuffer() : undefined
}
