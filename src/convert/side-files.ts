/** The small files beside the weights, as text and as JSON, and the tokenizer that some of them make up. */
import { readText, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { readSpiece } from './sentencepiece.ts'

export type Json = Record<string, unknown>

export interface TokenizerFiles {
  /** `tokenizer.json`, the checkpoint's own or made of `vocab.json` and `merges.txt` or `spiece.model`; undefined without. */
  tokenizer: string | undefined
  config: string | undefined
}

/** Reads the tokenizer in whichever of the hub's layouts the checkpoint has. */
export async function readTokenizer(tree: FileTree): Promise<TokenizerFiles> {
  const config = await readTextFile(tree, 'tokenizer_config.json')
  const whole = await readTextFile(tree, 'tokenizer.json')
  if (whole !== undefined) {
    parse(whole, 'tokenizer.json')
    return { tokenizer: whole, config }
  }
  const vocabulary = await readJson(tree, 'vocab.json')
  const merges = await readTextFile(tree, 'merges.txt')
  const added = (await readJson(tree, 'added_tokens.json')) ?? {}
  if (vocabulary === undefined || merges === undefined) {
    const settings = config === undefined ? {} : parse(config, 'tokenizer_config.json')
    const tokenizer = await readSpiece(tree, { config: settings, added })
    return { tokenizer: tokenizer && JSON.stringify(tokenizer), config }
  }
  return { tokenizer: JSON.stringify(byteLevelBpe(vocabulary, merges, added)), config }
}

/** OPT's tokenizer in `tokenizer.json` form: GPT-2's byte-level BPE, nothing added in front, nothing lower-cased. */
function byteLevelBpe(vocabulary: Json, merges: string, added: Json): object {
  const special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'].filter((token) => token in vocabulary)
  const tokens = [...special.map((token) => [token, vocabulary[token]] as const), ...Object.entries(added)]
  return {
    version: '1.0',
    added_tokens: tokens.map(([content, id]) => {
      return {
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      }
    }),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      unk_token: '</s>',
      vocab: vocabulary,
      // Git may have given the file the line ends of Windows; no merge holds white space but the blank between its parts.
      merges: merges.split(/\r\n|\r|\n/).filter((line) => line !== '' && !line.startsWith('#version')),
    },
  }
}

/** The file's object; undefined when there is no such file. Throws `bad-checkpoint` for anything else. */
export async function readJson(tree: FileTree, path: string): Promise<Json | undefined> {
  const content = await readTextFile(tree, path)
  return content === undefined ? undefined : parse(content, path)
}

/** The file's text; undefined when there is no such file. Throws `bad-checkpoint` for what is no UTF-8 or far too long. */
export async function readTextFile(tree: FileTree, path: string): Promise<string | undefined> {
  try {
    return await readText(tree, path)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('bad-checkpoint', `${path} cannot be read as text; fetch the checkpoint again.`, {
      cause,
    })
  }
}

function parse(content: string, path: string): Json {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw new AppError('bad-checkpoint', `${path} is not valid JSON; fetch the checkpoint again.`, { cause })
  }
  if (!isRecord(value))
    throw new AppError('bad-checkpoint', `${path} holds no object; fetch the checkpoint again.`)
  return Object.fromEntries(Object.entries(value))
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
