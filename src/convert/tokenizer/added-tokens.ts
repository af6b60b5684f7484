/**
 * Tokens that were added to a vocabulary, gathered from all the files that may name them, in the order of precedence of
 * transformers 5.18 (`PreTrainedTokenizerBase._from_pretrained`, `TokenizersBackend.__init__`).
 */
import { AppError } from '../../pack/failure.ts'
import { shown } from '../families/config-json.ts'
import { isRecord } from '../../pack/json.ts'
import type { Json } from '../side-files.ts'

export interface AddedToken {
  id: number
  content: string
  /** Left out of answers, and never made of what a person types. */
  special: boolean
  single_word: boolean
  /** Takes white space on its left, or right, along. */
  lstrip: boolean
  rstrip: boolean
  normalized: boolean
}

export interface AddedTokenFiles {
  /** `tokenizer.json`. */
  tokenizer: Json
  /** `tokenizer_config.json`. */
  config: Json
  /** `special_tokens_map.json`, where it counts. */
  specialTokens: Json
  /** `added_tokens.json`. */
  added: Json
  /** Whether the tokens of `tokenizer.json` stay, whatever the configuration lists. */
  keepsOwn: boolean
  /** Names that the tokenizer's class takes for special where no file says otherwise. */
  defaults: readonly string[]
}

type Flags = Omit<AddedToken, 'id'>

/** Keys whose value is a special token, or several. `*_token` of any other name is one, too. */
const LISTS = ['extra_special_tokens', 'additional_special_tokens']

/** `Blip2Processor` makes it special, whatever the files say. */
const IMAGE = '<image>'

/** Every added token with the id that it gets: its row in the vocabulary, or else the next one free behind it. */
export function addedTokens(vocabulary: ReadonlyMap<string, number>, files: AddedTokenFiles): AddedToken[] {
  const named = namedTokens(files)
  const special = new Set([...named.keys(), IMAGE])
  const own = files.keepsOwn ? ownTokens(files.tokenizer) : new Map<number, Flags>()
  const inOrder = [...byIds(own), ...byIds(tokensById(files))]
  const all = [...inOrder, ...[...named.values()].filter((token) => !contains(inOrder, token))]
  const tokens = new Map<string, AddedToken>()
  let next = vocabulary.size
  for (const token of all) {
    const id = tokens.get(token.content)?.id ?? vocabulary.get(token.content) ?? next
    if (id >= next) next = id + 1
    tokens.set(token.content, { id, ...token, special: token.special || special.has(token.content) })
  }
  return [...tokens.values()]
}

function byIds(tokens: ReadonlyMap<number, Flags>): Flags[] {
  return [...tokens].sort(([a], [b]) => a - b).map(([, token]) => token)
}

function ownTokens(tokenizer: Json): Map<number, Flags> {
  const own: unknown = tokenizer['added_tokens'] ?? []
  if (!Array.isArray(own)) throw bad('added_tokens is not a list')
  return new Map(
    (own as unknown[]).map((token) => [idOf(isRecord(token) ? token['id'] : token), flagsOf(token)]),
  )
}

function contains(tokens: readonly Flags[], { content }: Flags): boolean {
  return tokens.some((token) => token.content === content)
}

/** By the ids that the files give, which say no more than the order. */
function tokensById({ tokenizer, config, specialTokens, added }: AddedTokenFiles): Map<number, Flags> {
  const decoder = config['added_tokens_decoder']
  if (isRecord(decoder))
    return new Map(Object.entries(decoder).map(([id, token]) => [idOf(Number(id)), flagsOf(token)]))
  const special = new Set([...namedIn(config), ...namedIn(specialTokens)].map(({ content }) => content))
  const tokens = new Map<number, Flags>()
  for (const [content, id] of Object.entries(added)) {
    const isSpecial = special.has(content)
    tokens.set(idOf(id), { ...flagsOf(content), special: isSpecial, normalized: !isSpecial })
  }
  for (const [id, token] of ownTokens(tokenizer)) tokens.set(id, token)
  return tokens
}

/** Tokens with a name of their own, such as `eos_token`. */
function namedTokens({ config, specialTokens, defaults }: AddedTokenFiles): Map<string, Flags> {
  const tokens = [...defaults.map(specialFlags), ...namedIn({ ...config, ...specialTokens })]
  return new Map(tokens.map((token) => [token.content, token]))
}

function namedIn(json: Json): Flags[] {
  return Object.entries(json).flatMap(([key, value]) => {
    if (LISTS.includes(key)) return listed(value).map(specialFlags)
    const isToken = /_token$/.test(key) && (typeof value === 'string' || isRecord(value))
    return isToken ? [specialFlags(value)] : []
  })
}

function listed(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  return isRecord(value) ? Object.values(value) : []
}

function specialFlags(token: unknown): Flags {
  return { ...flagsOf(token), special: true }
}

/** Of a token as text, or as an object. */
function flagsOf(token: unknown): Flags {
  const json: Json = isRecord(token) ? token : { content: token }
  const { content } = json
  if (typeof content !== 'string') throw bad(`an added token is ${shown(content)}`)
  const flag = (key: string, otherwise: boolean): boolean => {
    const value = json[key] ?? otherwise
    if (typeof value !== 'boolean') throw bad(`${key} of ${shown(content)} is neither true nor false`)
    return value
  }
  const special = flag('special', false)
  return {
    content,
    special,
    single_word: flag('single_word', false),
    lstrip: flag('lstrip', false),
    rstrip: flag('rstrip', false),
    normalized: flag('normalized', !special),
  }
}

/** Far above every vocabulary. */
const MAX_ID = 2 ** 24

function idOf(id: unknown): number {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < MAX_ID) return id
  throw bad(`the id of an added token is ${shown(id)}`)
}

function bad(why: string): AppError {
  return new AppError(
    'bad-checkpoint',
    `The tokenizer's files cannot be used: ${why}; fetch the checkpoint again.`,
  )
}
