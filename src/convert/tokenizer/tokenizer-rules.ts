/**
 * What transformers 5.18 makes of a tokenizer's files, as one `tokenizer.json`. GPT-2's and T5's classes build most of it
 * themselves: of the file they take vocabulary, merges, the map of characters and the post-processor, and everything else
 * in it is without effect, which is said where it differs.
 */
import { AppError } from '../../pack/failure.ts'
import { frameOf } from '../../pack/tokenizer-frame.ts'
import { shown } from '../families/config-json.ts'
import { isRecord } from '../../pack/json.ts'
import { METASPACE, T5_SPLITTER } from '../sentencepiece.ts'
import type { Json } from '../side-files.ts'
import { addedTokens, type AddedToken } from './added-tokens.ts'
import { checkWhole, checkUnmerged } from './known-parts.ts'
import { tokenizerKind, type TokenizerKind } from './tokenizer-class.ts'
import { readVocabulary } from './vocabulary.ts'

export interface TokenizerSources {
  /** `tokenizer.json`, or what was made of the files of an older layout. */
  tokenizer: Json
  /** Whether there is a `tokenizer.json`: without one the configuration says what stands around a text. */
  isFile: boolean
  config: Json
  specialTokens: Json
  added: Json
  /** `config.json`. */
  modelConfig: Json
}

export interface SettledTokenizer {
  /** As transformers reads it; the same object where nothing had to be changed. */
  tokenizer: Json
  /** How many tokens it knows, each once: those of its vocabulary, and those that were added to it. */
  entries: number
  /** What the files say and transformers does not do, or we do not: for people to read. */
  remarks: string[]
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true }

/** Tokens that a class takes for special where no file names others. */
const DEFAULTS: Readonly<Record<TokenizerKind, readonly string[]>> = {
  'byte-bpe': ['<|endoftext|>'],
  unigram: ['<pad>', '</s>', '<unk>'],
  'word-piece': ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
  whole: [],
}

/** Throws `bad-checkpoint` for what is no tokenizer, `unsupported-model` for parts that are not known. */
export function settleTokenizer(sources: TokenizerSources): SettledTokenizer {
  const { tokenizer, config } = sources
  const kind = tokenizerKind(config, sources.modelConfig)
  const vocabulary = readVocabulary(tokenizer['model'], kind)
  const settled: Json = { ...tokenizer }
  const remarks: string[] = []
  const replace = (key: string, value: unknown, fits: boolean): void => {
    if (fits) return
    if (sources.isFile) remarks.push(key)
    settled[key] = value
  }
  if (kind === 'byte-bpe') buildByteBpe(tokenizer, config, replace)
  else if (kind === 'unigram') buildUnigram(tokenizer, replace)
  else if (kind === 'word-piece') buildWordPiece(tokenizer, config, replace)
  else checkWhole(tokenizer)
  const defaults = DEFAULTS[kind].filter((token) => vocabulary.has(token))
  const added = addedTokens(vocabulary, { ...sources, keepsOwn: kind === 'whole', defaults })
  checkUnmerged(added)
  if (!isSame(tokenizer['added_tokens'], added)) settled['added_tokens'] = added
  const processor = postProcessor(sources, kind, added, vocabulary)
  if (!isSame(processor, tokenizer['post_processor'])) settled['post_processor'] = processor
  frameOf(processor)
  const changed = Object.entries(settled).some(([key, value]) => value !== tokenizer[key])
  return {
    tokenizer: changed ? settled : tokenizer,
    entries: new Set([...vocabulary.keys(), ...added.map(({ content }) => content)]).size,
    remarks: [...ignored(remarks, config['tokenizer_class']), ...limits(tokenizer, config)],
  }
}

type Replace = (key: string, value: unknown, fits: boolean) => void

function buildByteBpe(tokenizer: Json, config: Json, replace: Replace): void {
  const prefix = config['add_prefix_space'] === true
  const { normalizer, pre_tokenizer: splitter, decoder, model } = tokenizer
  replace('normalizer', null, (normalizer ?? null) === null)
  const fits =
    isRecord(splitter) &&
    splitter['type'] === 'ByteLevel' &&
    (splitter['add_prefix_space'] ?? true) === prefix &&
    splitter['use_regex'] !== false
  replace('pre_tokenizer', { ...BYTE_LEVEL, add_prefix_space: prefix }, fits)
  replace('decoder', BYTE_LEVEL, isRecord(decoder) && decoder['type'] === 'ByteLevel')
  const { vocab, merges, ...options }: Json = isRecord(model) ? model : {}
  replace('model', { type: 'BPE', vocab, merges }, isPlainBpe(options))
}

/** Options of a BPE model that change nothing where every byte is in the vocabulary. */
function isPlainBpe(options: Json): boolean {
  const { dropout, ignore_merges: whole, byte_fallback: bytes } = options
  const affixes = [options['continuing_subword_prefix'], options['end_of_word_suffix']]
  return !dropout && whole !== true && bytes !== true && affixes.every((affix) => !affix)
}

/** The id of the unknown piece is no option of `T5Tokenizer`. */
const UNKNOWN_ID = 2

function buildUnigram(tokenizer: Json, replace: Replace): void {
  const { normalizer, pre_tokenizer: splitter, decoder, model } = tokenizer
  checkT5Normaliser(normalizer)
  const parts = isRecord(splitter) && splitter['type'] === 'Sequence' ? splitter['pretokenizers'] : []
  const [first, second, ...more] = Array.isArray(parts) ? (parts as unknown[]) : []
  const splits = isRecord(first) && first['type'] === 'WhitespaceSplit' && more.length === 0
  replace('pre_tokenizer', T5_SPLITTER, splits && isMetaspace(second))
  replace('decoder', METASPACE, isMetaspace(decoder))
  const { vocab, ...options }: Json = isRecord(model) ? model : {}
  const fits = options['unk_id'] === UNKNOWN_ID && options['byte_fallback'] !== true
  replace('model', { type: 'Unigram', unk_id: UNKNOWN_ID, vocab }, fits)
}

function isMetaspace(part: unknown): boolean {
  if (!isRecord(part) || part['type'] !== 'Metaspace') return false
  const { replacement = '▁', prepend_scheme: scheme = 'always', add_prefix_space: prefix = true } = part
  return replacement === '▁' && scheme === 'always' && prefix === true
}

/** Of T5's own files: the map, or NFKC in its place, and what is done about spaces, which are split at anyway. */
const T5_NORMALISERS: readonly unknown[] = ['Precompiled', 'NFKC', 'Replace', 'Strip']

/**
 * `T5Tokenizer` takes a compiled map of characters out of the file and no other normaliser. NFKC is what such a map nearly
 * is, and what files have that were made without one: it is applied. What else a file asks for is not dropped in silence.
 * Throws `unsupported-model`.
 */
function checkT5Normaliser(normalizer: unknown): void {
  const steps: unknown = isRecord(normalizer) ? (normalizer['normalizers'] ?? [normalizer]) : []
  const types = (Array.isArray(steps) ? (steps as unknown[]) : []).map((one) =>
    isRecord(one) ? one['type'] : one,
  )
  const strange = types.find((type) => !T5_NORMALISERS.includes(type))
  if ((normalizer ?? null) === null || (types.length > 0 && strange === undefined)) return
  throw new AppError(
    'unsupported-model',
    `tokenizer.json asks for a normaliser (${shown(strange)}) that T5Tokenizer leaves out; name PreTrainedTokenizerFast as its class, or save it without.`,
  )
}

/** WordPiece's own limit: a longer word is unknown (tokenizers 0.22 `WordPieceBuilder`). */
const LONGEST_WORD = 100

/** Lower-casing, accents and the spaces round ideographs follow the configuration and nothing else. */
function buildWordPiece(tokenizer: Json, config: Json, replace: Replace): void {
  const normaliser = {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: config['tokenize_chinese_chars'] !== false,
    strip_accents: typeof config['strip_accents'] === 'boolean' ? config['strip_accents'] : null,
    lowercase: config['do_lower_case'] !== false,
  }
  replace('normalizer', normaliser, isSame(tokenizer['normalizer'], normaliser))
  const splitter = { type: 'BertPreTokenizer' }
  replace('pre_tokenizer', splitter, isSame(tokenizer['pre_tokenizer'], splitter))
  const decoder = { type: 'WordPiece', prefix: '##', cleanup: true }
  replace('decoder', decoder, isSame(tokenizer['decoder'], decoder))
  const model: Json = isRecord(tokenizer['model']) ? tokenizer['model'] : {}
  const unknown = config['unk_token'] ?? '[UNK]'
  const built = {
    type: 'WordPiece',
    unk_token: isRecord(unknown) ? unknown['content'] : unknown,
    continuing_subword_prefix: '##',
    max_input_chars_per_word: LONGEST_WORD,
    vocab: model['vocab'],
  }
  replace('model', built, isSame(model, built))
}

/** What stands around a text: the file's own, or what the configuration says where there is none. */
function postProcessor(
  { tokenizer, isFile, config, specialTokens }: TokenizerSources,
  kind: TokenizerKind,
  added: readonly AddedToken[],
  vocabulary: ReadonlyMap<string, number>,
): unknown {
  const named = (key: string, otherwise: string | undefined): [string, number] | null => {
    const value = specialTokens[key] ?? config[key] ?? otherwise
    const content = isRecord(value) ? value['content'] : value
    if (typeof content !== 'string') return null
    const id = added.find((token) => token.content === content)?.id ?? vocabulary.get(content)
    if (id !== undefined) return [content, id]
    // transformers would add it, as a row that the model was never taught.
    throw new AppError(
      'bad-checkpoint',
      `The tokenizer's ${key} is ${shown(content)}, which its vocabulary lacks; fetch the checkpoint again.`,
    )
  }
  if (kind === 'unigram') return template(null, named('eos_token', '</s>'))
  if (kind === 'word-piece') return template(named('cls_token', '[CLS]'), named('sep_token', '[SEP]'))
  const own = tokenizer['post_processor'] ?? null
  if (isFile) return own ?? template(null, null)
  const usual = kind === 'byte-bpe' ? '<|endoftext|>' : undefined
  return template(
    config['add_bos_token'] === true ? named('bos_token', usual) : null,
    config['add_eos_token'] === true ? named('eos_token', usual) : null,
  )
}

/** A text between two tokens, as `tokenizer.json` writes it. */
function template(before: [string, number] | null, after: [string, number] | null): Json {
  const piece = (token: [string, number] | null): Json[] =>
    token === null ? [] : [{ SpecialToken: { id: token[0], type_id: 0 } }]
  const tokens = [before, after].filter((token) => token !== null)
  const single = [...piece(before), { Sequence: { id: 'A', type_id: 0 } }, ...piece(after)]
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 0 } }, ...piece(after)],
    special_tokens: Object.fromEntries(
      tokens.map(([id, number]) => [id, { id, ids: [number], tokens: [id] }]),
    ),
  }
}

function ignored(keys: readonly string[], named: unknown): string[] {
  if (keys.length === 0) return []
  const reader = typeof named === 'string' ? shown(named) : '"GPT2Tokenizer"'
  return [
    `${keys.join(', ')} of tokenizer.json differ from what its ${reader} builds, and are left out as in transformers 5`,
  ]
}

/** Prompts are neither cut nor filled up here: a question that is too long is said to be. */
function limits(tokenizer: Json, config: Json): string[] {
  const cut = [tokenizer['truncation'], config['truncation'], config['max_length']].some(Boolean)
  const fixed = tokenizer['padding']
  const strategy = isRecord(fixed) ? fixed['strategy'] : undefined
  const filled = Boolean(config['padding']) || (strategy !== undefined && strategy !== 'BatchLongest')
  return [
    ...(cut ? ['it asks for prompts to be cut off, which is not done'] : []),
    ...(filled ? ['it asks for prompts to be filled up, which is not done'] : []),
  ]
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

/** The same value with its keys in order. What comes out of a file is no deeper than its reader allows. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
