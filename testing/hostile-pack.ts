/** The built-in model with a tokenizer whose pattern backtracks for ever: what a stranger's pack may hold. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PACK = 'public/models/drawn-scenes'
const TOKENIZER = 'tokenizer.json'

/** A question over which the tokenizer never comes back. Others it reads as ever. */
export const HOSTILE_QUESTION = `what is ${'a'.repeat(60)}!`

/** The pack's file of this name, as `readFileSync` would give it. */
export function hostileFile(path: string): Buffer {
  const file = readFileSync(join(PACK, path))
  if (path === TOKENIZER) return hostileTokenizer()
  if (path !== 'pack.json') return file
  const manifest = JSON.parse(file.toString()) as { name: string; files: { path: string; bytes: number }[] }
  const tokenizer = hostileTokenizer()
  const bytes = tokenizer.length
  const chunks = [{ bytes, sha256: createHash('sha256').update(tokenizer).digest('hex') }]
  const files = manifest.files.map((one) => (one.path === TOKENIZER ? { ...one, bytes, chunks } : one))
  return Buffer.from(JSON.stringify({ ...manifest, name: 'Backtracking scenes', files }))
}

/** Writes the pack into a folder. */
export function writeHostilePack(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const path of readdirSync(PACK)) writeFileSync(join(folder, path), hostileFile(path))
}

function hostileTokenizer(): Buffer {
  const tokenizer = JSON.parse(readFileSync(join(PACK, TOKENIZER), 'utf8')) as { pre_tokenizer: unknown }
  const backtracking = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false }
  const pretokenizers = [backtracking, tokenizer.pre_tokenizer]
  return Buffer.from(JSON.stringify({ ...tokenizer, pre_tokenizer: { type: 'Sequence', pretokenizers } }))
}
