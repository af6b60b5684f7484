/** What a model's card (README.md) says of it: YAML between two lines of dashes, in whatever way people wrote it. */
import { parse } from 'yaml'
import type { FileTree } from '../pack/bytes.ts'
import { isRecord } from '../pack/json.ts'

/** Bytes of a card that are looked at: far more than any front matter has. */
const LONGEST = 2 ** 20

/**
 * The licence that the card names: of several all, and of `other` the name that stands beside it (`license_name`). Null
 * where it names none or cannot be read as YAML.
 * `published` is what files of that kind are published under by those who make them, whatever lies beside them.
 */
export async function readLicence(tree: FileTree, published: readonly string[] = []): Promise<string | null> {
  const names = [...new Set([...published, ...(await namesOnCard(tree))])]
  return names.length === 0 ? null : names.join(', ')
}

async function namesOnCard(tree: FileTree): Promise<string[]> {
  const front = (await readCard(tree))?.match(/^\s*---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(\r?\n|$)/)?.[1]
  if (front === undefined) return []
  const values = readYaml(front)
  if (!isRecord(values)) return []
  const names = namesOf(values['license'] ?? values['licence'])
  const [own] = namesOf(values['license_name'])
  const [link] = namesOf(values['license_link'])
  const other = own ?? (link === undefined ? undefined : `other (${link})`)
  return names.map((name) => (name.toLowerCase() === 'other' && other !== undefined ? other : name))
}

/** The beginning of the card, in whatever encoding: no checkpoint is refused for its README. */
async function readCard(tree: FileTree): Promise<string | undefined> {
  const source = await tree.open('README.md')
  if (source === undefined) return undefined
  const bytes = new Uint8Array(await source.slice(0, Math.min(source.byteLength, LONGEST)))
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}

function readYaml(text: string): unknown {
  try {
    // References to references may blow a few lines up to gigabytes; a card needs none.
    return parse(text, { prettyErrors: false, uniqueKeys: false, maxAliasCount: 0 })
  } catch {
    return null
  }
}

function namesOf(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list
    .filter((entry): entry is string => typeof entry === 'string')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}
