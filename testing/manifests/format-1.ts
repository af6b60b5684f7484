import { readFileSync } from 'node:fs'

/** A manifest of format 1 as it was written: that of the first built-in model. */
export function manifestOfFormat1(): Record<string, unknown> {
  const text = readFileSync(new URL('format-1.json', import.meta.url), 'utf8')
  return JSON.parse(text) as Record<string, unknown>
}
