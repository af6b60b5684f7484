/** Other people's programs that read captions: ExifTool, Exiv2 and Python, as Debian has them. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { isRecord } from '../../src/pack/json.ts'

/** What ExifTool says of files, by path; it says no to some of them, which is an answer, too. */
export function exifTool(
  folder: string,
  paths: readonly string[],
  ...flags: string[]
): Map<string, Record<string, unknown>> {
  const args = ['-json', '-charset', 'filename=utf8', ...flags, ...paths.map((path) => join(folder, path))]
  let out = ''
  try {
    out = execFileSync('exiftool', args, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch (error) {
    if (!isRecord(error) && !(error instanceof Error)) throw error
    const { stdout } = error as { stdout?: unknown }
    if (typeof stdout !== 'string') throw error
    out = stdout
  }
  const entries = JSON.parse(out) as Record<string, unknown>[]
  return new Map(entries.map((entry) => [String(entry['SourceFile']).slice(folder.length + 1), entry]))
}

/** '' where there is nothing of that key. */
export function exiv2Says(path: string, key: string): string {
  const args = ['-q', '-K', key, '-Pt', path]
  try {
    return execFileSync('exiv2', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .replace(/^lang="x-default" /, '')
      .trim()
  } catch {
    return ''
  }
}

/** What ExifTool calls all that a caption may change, and what it works out of the whole file. */
export const CHANGED = [
  '--XMP:all',
  '--System:all',
  '--ExifTool:all',
  '--RIFF:all',
  '--XMP-x:all',
  '--ImageDescription',
  '--IPTC:Caption-Abstract',
  '--IPTC:CodedCharacterSet',
  '--IPTC:ApplicationRecordVersion',
  '--Photoshop:IPTCDigest',
  '--CurrentIPTCDigest',
  '--ExifByteOrder',
  // Whether WebP has the longer header.
  '--FileType',
]

/** What a script of Python prints as JSON; it gets the path as its first argument. */
export function python(script: string, path: string): unknown {
  const out = execFileSync('python3', ['-c', script, path], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  return JSON.parse(out) as unknown
}
