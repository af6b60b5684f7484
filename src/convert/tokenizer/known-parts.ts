/** Which parts of a `tokenizer.json` are computed here as the tokenizers library computes them. */
import { AppError } from '../../pack/failure.ts'
import { shown } from '../families/config-json.ts'
import { isRecord } from '../../pack/json.ts'
import type { Json } from '../side-files.ts'
import type { AddedToken } from './added-tokens.ts'

/** Compared with the reference on texts of all sorts; a sequence holds more of them under `inner`. */
const KNOWN: Readonly<Record<string, { types: readonly string[]; inner: string }>> = {
  normalizer: {
    types: ['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'Prepend', 'Precompiled', 'Replace', 'BertNormalizer'],
    inner: 'normalizers',
  },
  pre_tokenizer: {
    types: ['ByteLevel', 'Metaspace', 'WhitespaceSplit', 'Digits', 'Split', 'BertPreTokenizer'],
    inner: 'pretokenizers',
  },
  decoder: { types: ['ByteLevel', 'Metaspace', 'Replace', 'Fuse', 'WordPiece'], inner: 'decoders' },
}

/** How deep sequences may lie in each other. */
const MAX_DEPTH = 4

/** Throws `unsupported-model` for parts and options that are not known. */
export function checkWhole(tokenizer: Json): void {
  for (const part of Object.keys(KNOWN)) checkPart(part, tokenizer[part], 0)
  const model = isRecord(tokenizer['model']) ? tokenizer['model'] : {}
  const affix = model['type'] === 'WordPiece' ? [] : (['continuing_subword_prefix'] as const)
  const refused = ['dropout', ...affix, 'end_of_word_suffix', 'byte_fallback'] as const
  for (const key of refused) if (model[key]) throw unsupported(`model.${key}`, model[key])
  if (model['type'] === 'Unigram' && typeof model['unk_id'] !== 'number')
    throw unsupported('model.unk_id', model['unk_id'])
}

function checkPart(name: string, part: unknown, depth: number): void {
  if (part === null || part === undefined) return
  const known = KNOWN[name]
  const type = isRecord(part) ? part['type'] : undefined
  if (known === undefined || !isRecord(part) || typeof type !== 'string' || depth > MAX_DEPTH)
    throw unsupported(name, part)
  if (type === 'Sequence') {
    const inner: unknown = part[known.inner]
    if (!Array.isArray(inner)) throw unsupported(name, inner)
    for (const one of inner as unknown[]) checkPart(name, one, depth + 1)
  } else if (!known.types.includes(type)) throw unsupported(name, type)
}

/** Throws `unsupported-model` for tokens that only count as words of their own, which nothing here looks for. */
export function checkUnmerged(tokens: readonly AddedToken[]): void {
  const single = tokens.find((token) => token.single_word && !token.special)
  if (single !== undefined) throw unsupported('single_word of the added token', single.content)
}

function unsupported(key: string, value: unknown): AppError {
  return new AppError(
    'unsupported-model',
    `tokenizer.json asks for ${key} ${shown(value)}, which is not known; save the tokenizer again without it.`,
  )
}
