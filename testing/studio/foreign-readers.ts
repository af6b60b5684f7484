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
  let out: string
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

/** Scripts of Python that read the captions out of a table, by its file's name: texts by what the table calls their pictures. */
export const TABLES = {
  'metadata.jsonl':
    'import json,sys; print(json.dumps({r["file_name"]: r["text"] for r in map(json.loads, open(sys.argv[1], encoding="utf-8"))}))',
  'metadata.csv':
    'import csv,json,sys; print(json.dumps({r["file_name"]: r["text"] for r in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8"), strict=True)}))',
  'captions.json':
    'import json,sys; print(json.dumps({r["file_name"]: r["text"] for r in json.load(open(sys.argv[1], encoding="utf-8"))}))',
  'meta_cap.json':
    'import json,sys; print(json.dumps({k: r["caption"] for k, r in json.load(open(sys.argv[1], encoding="utf-8")).items()}))',
  'captions.html':
    'import html.parser,json,sys\nclass P(html.parser.HTMLParser):\n  out={}\n  def handle_starttag(self,tag,attrs):\n    if tag=="img": self.src=dict(attrs)["src"]\n    self.tag=tag\n  def handle_data(self,data):\n    if self.tag=="figcaption" and data.strip(): P.out[__import__("urllib.parse").parse.unquote(self.src)]=data.strip()\np=P(); p.feed(open(sys.argv[1],encoding="utf-8").read()); print(json.dumps(P.out))',
}

export interface Checking {
  /** Notes what is not as it should be. */
  check: (what: string, is: unknown, wanted: unknown) => void
  /** In sentences; empty is right. */
  faults: string[]
}

export function checking(): Checking {
  const faults: string[] = []
  return {
    faults,
    check: (what, is, wanted) => {
      if (JSON.stringify(is) !== JSON.stringify(wanted))
        faults.push(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`)
    },
  }
}
