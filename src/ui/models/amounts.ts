/** Quantities as people read them. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`
}

export function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

/** Parts of a model as people call them. */
const PARTS: Record<string, string> = {
  'vision.weights': 'Vision encoder',
  'q-former.weights': 'Q-Former',
  'decoder.weights': 'Language model',
}

export function partText(path: string): string {
  return PARTS[path] ?? path
}
