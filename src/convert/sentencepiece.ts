/**
 * `spiece.model` → `tokenizer.json`: the unigram pieces and the character map of a SentencePiece model, arranged as
 * transformers 5.18 arranges them for `T5Tokenizer`. The file is a protobuf (`sentencepiece_model.proto`) of which a few
 * fields matter.
 */
import { BinaryReader } from '@bufbuild/protobuf/wire'
import type { FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Json } from './side-files.ts'

const SPIECE = 'spiece.model'

/** How T5Tokenizer cuts a text and joins pieces, whatever the files say. */
export const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true }
export const T5_SPLITTER = {
  type: 'Sequence',
  pretokenizers: [{ type: 'WhitespaceSplit' }, METASPACE],
}

/** T5's has 0.8 MB, the largest multilingual ones 5. */
const LARGEST_FILE = 2 ** 25
/** Far above every published vocabulary. */
const MOST_PIECES = 2 ** 20
/** `extra_ids` of transformers' `T5Tokenizer`: sentinels behind the pieces, the last of them first. */
const EXTRA_IDS = 100
const MOST_EXTRA_IDS = 1000

/** `SentencePiece.Type`; others are pieces of text like any. */
const NORMAL = 1
const UNKNOWN = 2
const CONTROL = 3
/** `TrainerSpec.ModelType`. */
const UNIGRAM = 1

interface Piece {
  text: string
  score: number
  type: number
}

interface SentencePieceModel {
  pieces: Piece[]
  modelType: number
  /** The normaliser's compiled character map; empty when there is none. */
  characterMap: Uint8Array
}

/** What the files beside it say. */
export interface SpieceOptions {
  /** `tokenizer_config.json`: how many sentinels there are. */
  config: Record<string, unknown>
  /** `added_tokens.json`: token → id. */
  added: Record<string, unknown>
}

/** Undefined without such a file. Throws `bad-checkpoint` for what is none, `unsupported-model` for another kind of model. */
export async function readSpiece(tree: FileTree, options: SpieceOptions): Promise<Json | undefined> {
  const source = await tree.open(SPIECE)
  if (source === undefined) return undefined
  if (source.byteLength > LARGEST_FILE) throw damaged(`it has ${source.byteLength} bytes`)
  const model = parse(new Uint8Array(await source.slice(0, source.byteLength)))
  check(model)
  return tokenizerJson(model, options)
}

function parse(bytes: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = { pieces: [], modelType: UNIGRAM, characterMap: new Uint8Array() }
  try {
    const trainer = { 3: (reader: BinaryReader) => (model.modelType = reader.int32()) }
    const normaliser = { 2: (reader: BinaryReader) => (model.characterMap = reader.bytes()) }
    readMessage(bytes, {
      1: (reader) => model.pieces.push(parsePiece(reader.bytes())),
      2: (reader) => readMessage(reader.bytes(), trainer),
      3: (reader) => readMessage(reader.bytes(), normaliser),
    })
  } catch (cause) {
    throw damaged('it is no SentencePiece model', cause)
  }
  return model
}

function parsePiece(bytes: Uint8Array): Piece {
  const piece: Piece = { text: '', score: 0, type: NORMAL }
  readMessage(bytes, {
    1: (reader) => (piece.text = reader.string()),
    2: (reader) => (piece.score = reader.float()),
    3: (reader) => (piece.type = reader.int32()),
  })
  return piece
}

/** Hands each field that is known to whoever reads it and passes over the others. The reader refuses to leave its bytes. */
function readMessage(bytes: Uint8Array, fields: Record<number, (reader: BinaryReader) => unknown>): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    const read = fields[field]
    if (read === undefined) reader.skip(wireType, field)
    else read(reader)
  }
}

function check({ pieces, modelType, characterMap }: SentencePieceModel): void {
  if (modelType !== UNIGRAM)
    throw new AppError('unsupported-model', `${SPIECE} is no unigram model, the only kind that is known.`)
  if (pieces.length === 0) throw damaged('it has no pieces')
  if (pieces.length > MOST_PIECES) throw damaged(`it has ${pieces.length} pieces`)
  if (new Set(pieces.map(({ text }) => text)).size !== pieces.length) throw damaged('a piece is in it twice')
  if (!pieces.every(({ text, score }) => text !== '' && Number.isFinite(score)))
    throw damaged('a piece has no text or no score')
  if (pieces.filter(({ type }) => type === UNKNOWN).length !== 1)
    throw damaged('it does not name one piece for what is unknown')
  if (characterMap.length > 0 && !isCharacterMap(characterMap)) throw damaged('its character map is none')
}

/** A length, so many bytes of a trie of 32-bit units, and texts behind it. */
function isCharacterMap(map: Uint8Array): boolean {
  if (map.length < 8) return false
  const trie = new DataView(map.buffer, map.byteOffset).getUint32(0, true)
  return trie > 0 && trie % 4 === 0 && 4 + trie <= map.length
}

function tokenizerJson({ pieces, characterMap }: SentencePieceModel, { config, added }: SpieceOptions): Json {
  const count = extraIds(config)
  const sentinels = Array.from({ length: count }, (_, i) => `<extra_id_${count - 1 - i}>`)
  const special = pieces.flatMap(({ text, type }, id) =>
    type === CONTROL || type === UNKNOWN ? [{ id, content: text }] : [],
  )
  const named = sentinels.map((content, i) => ({ id: pieces.length + i, content }))
  const others = Object.entries(added).map(([content, id]) => ({ id, content }))
  return {
    version: '1.0',
    added_tokens: [...special, ...named, ...others].map((token) => ({
      ...token,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer:
      characterMap.length === 0 ? null : { type: 'Precompiled', precompiled_charsmap: base64(characterMap) },
    pre_tokenizer: T5_SPLITTER,
    post_processor: null,
    decoder: METASPACE,
    model: {
      type: 'Unigram',
      unk_id: pieces.findIndex(({ type }) => type === UNKNOWN),
      vocab: [
        ...pieces.map(({ text, score }): [string, number] => [text, score]),
        ...sentinels.map((content): [string, number] => [content, 0]),
      ],
      // As transformers has it, whatever the model was trained with.
      byte_fallback: false,
    },
  }
}

/** As many as the configuration counts or lists. */
function extraIds(config: SpieceOptions['config']): number {
  const { extra_ids: count, additional_special_tokens: listed } = config
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MOST_EXTRA_IDS)
    return count
  const names = Array.isArray(listed) ? (listed as unknown[]) : []
  const named = names.filter((name) => typeof name === 'string' && name.startsWith('<extra_id_'))
  return named.length > 0 ? Math.min(named.length, MOST_EXTRA_IDS) : EXTRA_IDS
}

function base64(bytes: Uint8Array): string {
  let text = ''
  // A call takes only so many arguments.
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096))
  return btoa(text)
}

function damaged(why: string, cause?: unknown): AppError {
  return new AppError('bad-checkpoint', `${SPIECE} cannot be used: ${why}; fetch it again.`, { cause })
}
