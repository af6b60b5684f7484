/** The checkpoint's own tokenizer. What a person types is always plain text here, never a special token. */
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers'
import { AppError } from '../../pack/failure.ts'
import type { PackReader } from '../../pack/manifest.ts'
import { isRecord } from '../../pack/json.ts'
import { frameOf, type Frame } from '../../pack/tokenizer-frame.ts'
import { openCharacterMap, type Normalise } from './character-map.ts'

export interface Tokenizer {
  /** Ids of `text`, without BOS or anything else added. */
  encode(text: string): number[]
  /** Text of `ids` without special tokens; an unfinished character at the end is left out. */
  decode(ids: readonly number[]): string
  /** What stands around the ids of a text; null where the model's own form says it. */
  readonly frame: Frame | null
}

interface AddedToken {
  id: number
  content: string
  special?: boolean
}

interface TokenizerJson {
  added_tokens?: AddedToken[]
  post_processor?: unknown
  model?: { type?: string; vocab?: unknown }
  [key: string]: unknown
}

/** Opens the tokenizer of a pack, or null when its checkpoint had none. */
export async function openTokenizer(pack: PackReader): Promise<Tokenizer | null> {
  const { tokenizer, config } = pack.manifest.tokenizer
  if (tokenizer === undefined) return null
  const json = await readJson(pack, tokenizer)
  return makeTokenizer(json, config === undefined ? {} : await readJson(pack, config))
}

/** From parsed `tokenizer.json` and `tokenizer_config.json`. */
export function makeTokenizer(json: TokenizerJson, config: object): Tokenizer {
  const [special, words] = partition(json.added_tokens ?? [])
  // Without special tokens `</s>` or `<image>` in a prompt is cut into letters like any other text.
  const plain = {
    ...json,
    model: unspellable(json.model, special),
    added_tokens: words,
    post_processor: null,
  }
  const { normalise, rest } = takeCharacterMap(json['normalizer'])
  const spaced = splitsAtWhiteSpace(json['pre_tokenizer']) ? asUnicodeSpaces : asItIs
  const read = isRecord(rest) && rest['type'] === 'BertNormalizer' ? asBertReads(rest) : asItIs
  // The library's configuration would bring in what transformers does not do with these models.
  const inner = new HfTokenizer({ ...plain, normalizer: rest }, {})
  const cleansUp = cleansUpSpaces(json, config)
  return {
    frame: frameOf(json.post_processor),
    encode: (text) => {
      const normal = read(spaced(normalise(text)))
      return normal === '' ? [] : [...inner.encode(normal, { add_special_tokens: false }).ids]
    },
    decode(ids) {
      const known = ids.filter((id) => !special.has(id) && inner.id_to_token(id) !== undefined)
      if (known.length === 0) return ''
      const options = { skip_special_tokens: false, clean_up_tokenization_spaces: cleansUp }
      return inner.decode(known, options).replace(/\uFFFD+$/, '')
    },
  }
}

/** Ids of special tokens, and those that were only added to the vocabulary: words like any, in a prompt and in an answer. */
function partition(tokens: readonly AddedToken[]): [special: Set<number>, words: AddedToken[]] {
  const isSpecial = ({ special }: AddedToken): boolean => special !== false
  return [new Set(tokens.filter(isSpecial).map(({ id }) => id)), tokens.filter((token) => !isSpecial(token))]
}

/** As transformers 5: " ." becomes "." where a configuration asks for it, but not of a byte-level BPE unless it insists. */
function cleansUpSpaces({ model }: TokenizerJson, config: object): boolean {
  const {
    clean_up_tokenization_spaces: asked = false,
    clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: insists = false,
  }: Record<string, unknown> = { ...config }
  return asked === true && (model?.type !== 'BPE' || insists === true)
}

/**
 * The tokenizer library takes NFKC and a few rules of its own for a compiled character map, which is why the map is
 * applied here and taken out of what the library gets. In every known tokenizer it comes first.
 */
function takeCharacterMap(normalizer: unknown): { normalise: Normalise; rest: unknown } {
  const steps =
    isRecord(normalizer) && Array.isArray(normalizer['normalizers'])
      ? normalizer['normalizers']
      : [normalizer]
  const [first, ...others] = steps as unknown[]
  if (
    !isRecord(first) ||
    first['type'] !== 'Precompiled' ||
    typeof first['precompiled_charsmap'] !== 'string'
  )
    return { normalise: (text) => text, rest: normalizer }
  const rest = others.length === 0 ? null : { type: 'Sequence', normalizers: others }
  return { normalise: openCharacterMap(first['precompiled_charsmap']), rest }
}

function asItIs(text: string): string {
  return text
}

/** Ideographs beyond the basic plane that BERT's tokenizers put spaces around (tokenizers 0.22 `is_chinese_char`). */
const FAR_IDEOGRAPHS = /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu

/**
 * What the library does otherwise than the reference before a text is lower-cased: it looks at halves of characters, and a
 * sigma at the end of a word becomes another letter.
 */
function asBertReads(normalizer: Record<string, unknown>): (text: string) => string {
  const { handle_chinese_chars: spaces, lowercase } = normalizer
  return (text) => {
    const apart = spaces === false ? text : text.replace(FAR_IDEOGRAPHS, ' $& ')
    return lowercase === false ? apart : apart.replaceAll('Σ', 'σ')
  }
}

function splitsAtWhiteSpace(step: unknown): boolean {
  if (!isRecord(step)) return false
  const steps: unknown[] = Array.isArray(step['pretokenizers']) ? step['pretokenizers'] : []
  return step['type'] === 'WhitespaceSplit' || steps.some(splitsAtWhiteSpace)
}

/** The library splits at what JavaScript calls white space, transformers at what Unicode does: they differ in two. */
function asUnicodeSpaces(text: string): string {
  return text.replaceAll('\u0085', ' ').replaceAll('\ufeff', '\uffff')
}

/**
 * A unigram model has its special tokens among the pieces, with a better score than any word: typed as text they would
 * be taken for what they are called. Behind a space, which no piece of text has, nothing spells them.
 */
function unspellable(model: TokenizerJson['model'], special: ReadonlySet<number>): TokenizerJson['model'] {
  if (model?.type !== 'Unigram' || !Array.isArray(model.vocab)) return model
  const vocab: unknown[] = model.vocab
  const renamed = vocab.map((entry, id) => {
    const [piece, score] = Array.isArray(entry) ? (entry as unknown[]) : []
    return special.has(id) && typeof piece === 'string' ? [` ${piece}`, score] : entry
  })
  return { ...model, vocab: renamed }
}

async function readJson(pack: PackReader, path: string): Promise<TokenizerJson> {
  const data = await pack.file(path)
  const text = data instanceof Blob ? await data.text() : new TextDecoder().decode(data)
  try {
    return JSON.parse(text) as TokenizerJson
  } catch (cause) {
    throw new AppError(
      'bad-pack',
      `This pack cannot be used: ${path} is not valid JSON. Convert or download it again.`,
      { cause },
    )
  }
}
