/** What a model's card (README.md) says of it: YAML between two lines of dashes, in whatever way people wrote it. */
import { parse } from 'yaml'
import type { FileTree } from '../pack/bytes.ts'
import { isRecord, readTextFile } from './side-files.ts'

/** Far above every card; a longer one is no front matter. */
const LONGEST = 2 ** 20

/**
 * The licence that the card names: of several all, and of `other` the name that stands beside it (`license_name`). Null
 * where it names none or cannot be read as YAML.
 */
export async function readLicence(tree: FileTree): Promise<string | null> {
  const card = await readTextFile(tree, 'README.md')
  const front = card?.slice(0, LONGEST).match(/^\s*---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(\r?\n|$)/)?.[1]
  if (front === undefined) return null
  const values = readYaml(front)
  if (!isRecord(values)) return null
  const names = namesOf(values['license'] ?? values['licence'])
  const [own] = namesOf(values['license_name'])
  const known = names.map((name) => (name.toLowerCase() === 'other' && own !== undefined ? own : name))
  return known.length === 0 ? null : known.join(', ')
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
