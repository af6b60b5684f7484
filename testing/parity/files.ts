import { readFile } from 'node:fs/promises'
import type { ReadFile } from './reference.ts'

/** Reads files from this folder. */
export function readIn(folder: string): ReadFile {
  return async (path) => {
    const bytes = await readFile(`${folder}/${path}`).catch(() => undefined)
    return bytes === undefined ? undefined : new Uint8Array(bytes).buffer
  }
}

/** Reads reference files from where they lie. */
export const readFromDisk = readIn('models/reference')
