/** The tokenizer of a checkpoint, in whichever of the hub's layouts it is there. */
import type { FileTree } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { readSpiece } from '../sentencepiece.ts'
import { isRecord } from '../../pack/json.ts'
import { parseObject, readJson, readTextFile, type Json } from '../side-files.ts'
import { settleTokenizer } from './tokenizer-rules.ts'

export interface TokenizerFiles {
  /**
   * `tokenizer.json` as transformers reads it, the checkpoint's own or made of `vocab.json` and `merges.txt`,
   * `spiece.model` or `vocab.txt`; undefined without.
   */
  tokenizer: string | undefined
  config: string | undefined
  /** How many tokens it knows; null without a tokenizer. */
  entries: number | null
  /** What the files ask for and is not done, each as a clause. */
  remarks: readonly string[]
}

/** `modelConfig` is `config.json`. Throws `bad-checkpoint` and `unsupported-model`. */
export async function readTokenizer(tree: FileTree, modelConfig: Json = {}): Promise<TokenizerFiles> {
  const configText = await readTextFile(tree, 'tokenizer_config.json')
  const config = configText === undefined ? {} : parseObject(configText, 'tokenizer_config.json')
  const added = (await readJson(tree, 'added_tokens.json')) ?? {}
  const map = (await readJson(tree, 'special_tokens_map.json')) ?? {}
  // Beside an `added_tokens_decoder` it counts no more.
  const specialTokens = isRecord(config['added_tokens_decoder']) ? {} : map
  const text = await readTextFile(tree, 'tokenizer.json')
  const isFile = text !== undefined
  const made = isFile ? parseObject(text, 'tokenizer.json') : await makeOf(tree, { config, added })
  if (made === undefined) return { tokenizer: undefined, config: configText, entries: null, remarks: [] }
  // A SentencePiece model is T5's and a list of words BERT's, whatever a file that is not there would call it.
  const usual = isFile ? undefined : USUAL_CLASS[modelType(made)]
  const reader = usual === undefined ? config : { tokenizer_class: usual, ...config }
  const { tokenizer, entries, remarks } = settleTokenizer({
    tokenizer: made,
    isFile,
    config: reader,
    specialTokens,
    added,
    modelConfig,
  })
  return {
    tokenizer: isFile && tokenizer === made ? text : JSON.stringify(tokenizer),
    config: configText,
    entries,
    remarks,
  }
}

/** A `tokenizer.json` of the files of older layouts. */
async function makeOf(tree: FileTree, side: { config: Json; added: Json }): Promise<Json | undefined> {
  const vocabulary = await readJson(tree, 'vocab.json')
  const merges = await readTextFile(tree, 'merges.txt')
  if (vocabulary !== undefined && merges !== undefined) return byteLevelBpe(vocabulary, merges)
  const words = await readTextFile(tree, 'vocab.txt')
  if (words !== undefined && vocabulary === undefined && merges === undefined) return wordPiece(words)
  const spiece = await readSpiece(tree, side)
  if (spiece !== undefined) return spiece
  if (vocabulary === undefined && merges === undefined) return undefined
  const [there, missing] = merges === undefined ? ['vocab.json', 'merges.txt'] : ['merges.txt', 'vocab.json']
  throw new AppError(
    'bad-checkpoint',
    `The tokenizer is there by half: ${there} without ${missing}; download that file, too.`,
  )
}

/** Whose a vocabulary is that came without a `tokenizer.json`, by the type of its model. */
const USUAL_CLASS: Readonly<Record<string, string>> = {
  Unigram: 'T5Tokenizer',
  WordPiece: 'BertTokenizer',
}

function modelType({ model }: Json): string {
  const type = isRecord(model) ? model['type'] : undefined
  return typeof type === 'string' ? type : ''
}

/** BERT's tokenizer out of `vocab.txt`, a word a line; the rest of it follows the configuration. */
function wordPiece(words: string): Json {
  // As transformers reads it: a line end is no part of a word, and the last one begins no word.
  const lines = words.split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  return {
    version: '1.0',
    added_tokens: [],
    model: { type: 'WordPiece', vocab: Object.fromEntries(lines.map((word, id) => [word, id])) },
  }
}

/** OPT's tokenizer in `tokenizer.json` form: GPT-2's byte-level BPE, nothing lower-cased. */
function byteLevelBpe(vocabulary: Json, merges: string): Json {
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      vocab: vocabulary,
      // Git may have given the file the line ends of Windows; no merge holds white space but the blank between its parts.
      merges: merges.split(/\r\n|\r|\n/).filter((line) => line !== '' && !line.startsWith('#version')),
    },
  }
}
