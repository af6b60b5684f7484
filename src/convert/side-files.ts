/** The small files beside the weights: preprocessing, tokenizer, licence. */
import { readText, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Preprocessing } from '../pack/manifest.ts'

/** CLIP's mean and standard deviation, RGB: the defaults of transformers' `BlipImageProcessor`. */
const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]

type Json = Record<string, unknown>

export interface PreprocessingFile {
  preprocessing: Preprocessing
  /** Side of the square that the file asks for; null when there is no file or it names none. */
  statedSize: number | null
}

/** Reads `preprocessor_config.json`. The size that counts is the vision encoder's own, `imageSize`. */
export async function readPreprocessing(tree: FileTree, imageSize: number): Promise<PreprocessingFile> {
  const json = await readJson(tree, 'preprocessor_config.json')
  if (json === undefined) {
    return {
      preprocessing: { size: imageSize, rescaleFactor: 1 / 255, mean: CLIP_MEAN, std: CLIP_STD },
      statedSize: null,
    }
  }
  const resample = json['resample'] ?? 3
  if (resample !== 3) {
    const found = JSON.stringify(resample)
    throw new AppError(
      'unsupported-model',
      `preprocessor_config.json asks for resample ${found}; only 3 (bicubic) is known.`,
    )
  }
  const normalised = json['do_normalize'] !== false
  const rescaled = json['do_rescale'] !== false
  return {
    preprocessing: {
      size: imageSize,
      rescaleFactor: rescaled ? number(json['rescale_factor'], 1 / 255) : 1,
      mean: normalised ? triple(json['image_mean'], CLIP_MEAN, 'image_mean') : [0, 0, 0],
      std: normalised ? triple(json['image_std'], CLIP_STD, 'image_std') : [1, 1, 1],
    },
    statedSize: statedSize(json['size']),
  }
}

export interface TokenizerFiles {
  /** `tokenizer.json`, the checkpoint's own or made of its `vocab.json` and `merges.txt`; undefined without either. */
  tokenizer: string | undefined
  config: string | undefined
}

/** Reads the tokenizer in whichever of the hub's two layouts the checkpoint has. */
export async function readTokenizer(tree: FileTree): Promise<TokenizerFiles> {
  const config = await text(tree, 'tokenizer_config.json')
  const whole = await text(tree, 'tokenizer.json')
  if (whole !== undefined) {
    parse(whole, 'tokenizer.json')
    return { tokenizer: whole, config }
  }
  const vocabulary = await readJson(tree, 'vocab.json')
  const merges = await text(tree, 'merges.txt')
  if (vocabulary === undefined || merges === undefined) return { tokenizer: undefined, config }
  const added = (await readJson(tree, 'added_tokens.json')) ?? {}
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
      merges: merges.split('\n').filter((line) => line !== '' && !line.startsWith('#version')),
    },
  }
}

/** The licence that the model card names (`license:` in the front matter of README.md), or null. */
export async function readLicence(tree: FileTree): Promise<string | null> {
  const card = await text(tree, 'README.md')
  const front = card?.match(/^---\n([\s\S]*?)\n---/)?.[1]
  return front?.match(/^license:\s*(.+)$/m)?.[1]?.trim() ?? null
}

async function readJson(tree: FileTree, path: string): Promise<Json | undefined> {
  const content = await text(tree, path)
  return content === undefined ? undefined : parse(content, path)
}

async function text(tree: FileTree, path: string): Promise<string | undefined> {
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
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('bad-checkpoint', `${path} holds no object; fetch the checkpoint again.`)
  }
  return Object.fromEntries(Object.entries(value))
}

function statedSize(size: unknown): number | null {
  if (typeof size === 'number') return size
  if (typeof size !== 'object' || size === null) return null
  const { height, width }: Json = { height: undefined, width: undefined, ...size }
  if (typeof height !== 'number' || typeof width !== 'number') return null
  if (height !== width) {
    throw new AppError(
      'unsupported-model',
      `preprocessor_config.json asks for ${width} × ${height} pixels; only squares are known.`,
    )
  }
  return height
}

function triple(value: unknown, otherwise: [number, number, number], name: string): [number, number, number] {
  if (value === undefined || value === null) return otherwise
  const numbers: unknown[] = Array.isArray(value) ? value : []
  const [r, g, b] = numbers
  if (numbers.length === 3 && typeof r === 'number' && typeof g === 'number' && typeof b === 'number')
    return [r, g, b]
  throw new AppError('bad-checkpoint', `preprocessor_config.json: ${name} is not three numbers.`)
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}
