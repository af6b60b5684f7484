/** The vocabulary of a tokenizer's model, checked: ids are what everything else goes by. */
import { AppError } from '../../pack/failure.ts'
import { shown } from '../families/config-json.ts'
import { isRecord } from '../../pack/json.ts'
import type { Json } from '../side-files.ts'
import type { TokenizerKind } from './tokenizer-class.ts'

/** Far above every vocabulary. */
const MAX_ENTRIES = 2 ** 22

/** Types of models that each kind may have. */
const MODELS: Readonly<Record<TokenizerKind, readonly string[]>> = {
  'byte-bpe': ['BPE'],
  unigram: ['Unigram'],
  'word-piece': ['WordPiece'],
  whole: ['BPE', 'Unigram', 'WordPiece'],
}

/** Token → id. Throws `bad-checkpoint` for what is no model, `unsupported-model` for one of another kind. */
export function readVocabulary(model: unknown, kind: TokenizerKind): Map<string, number> {
  if (!isRecord(model)) throw bad('it has no model')
  const type = model['type'] ?? (Array.isArray(model['merges']) ? 'BPE' : undefined)
  const wanted = MODELS[kind]
  if (type === undefined) throw bad('its model has no type')
  if (typeof type !== 'string' || !wanted.includes(type))
    throw new AppError(
      'unsupported-model',
      `tokenizer.json holds a model of type ${shown(type)}, and its tokenizer_config.json wants ${wanted.join(' or ')}; the files do not belong together, or are not known.`,
    )
  const entries = type === 'Unigram' ? inOrder(model['vocab']) : byName(model['vocab'])
  if (entries.size === 0) throw bad('its vocabulary is empty')
  if (type === 'BPE') checkMerges(model)
  return entries
}

function byName(vocab: unknown): Map<string, number> {
  if (!isRecord(vocab)) throw bad('its vocabulary is not an object')
  const entries = Object.entries(vocab)
  const ids = new Set<number>()
  const known = entries.map(([token, id]): [string, number] => {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || id >= MAX_ENTRIES)
      throw bad(`the id of ${shown(token)} is ${shown(id)}`)
    if (ids.has(id)) throw bad(`two tokens have the id ${id}`)
    ids.add(id)
    return [token, id]
  })
  return new Map(known)
}

function inOrder(vocab: unknown): Map<string, number> {
  if (!Array.isArray(vocab)) throw bad('its vocabulary is not a list')
  const entries: unknown[] = vocab
  if (entries.length > MAX_ENTRIES) throw bad('its vocabulary is too large')
  return new Map(
    entries.map((entry, id) => {
      const [piece, score] = Array.isArray(entry) ? (entry as unknown[]) : []
      if (typeof piece !== 'string' || typeof score !== 'number' || !Number.isFinite(score))
        throw bad(`entry ${id} of its vocabulary is not a piece and a score`)
      return [piece, id]
    }),
  )
}

/** Two parts each, in one of the two forms that tokenizer.json has had. */
function checkMerges({ merges = [] }: Json): void {
  if (!Array.isArray(merges)) throw bad('its merges are not a list')
  const wrong = (merges as unknown[]).find((merge) => {
    const parts: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    return parts.length !== 2 || !parts.every((part) => typeof part === 'string' && part !== '')
  })
  if (wrong !== undefined) throw bad(`the merge ${shown(wrong)} does not join two parts`)
}

function bad(why: string): AppError {
  return new AppError('bad-checkpoint', `tokenizer.json cannot be used: ${why}; fetch the checkpoint again.`)
}
