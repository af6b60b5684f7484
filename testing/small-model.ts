/**
 * A model like the built-in one in everything but size: made-up weights, its tokenizer and its preprocessing, and so
 * little arithmetic that a software adapter is done with it at once. For tests of what happens to a model, not of what
 * one says.
 */
import { convertCheckpoint } from '../src/convert/convert.ts'
import { sinkInMemory, type FileTree } from '../src/pack/bytes.ts'
import type { PackReader, Precision } from '../src/pack/manifest.ts'
import { checkpointOf } from '../src/synthetic/checkpoint.ts'
import { packInMemory } from './parity/reference.ts'

export interface SmallModel {
  /** Queries, prompt and answer together; a full context has to be filled first, so small is quick. */
  positions?: number
  precision?: Precision
  name?: string
}

const CHECKPOINT = 'models/drawn-scenes/checkpoint'

interface Config {
  vision_config: object
  qformer_config: object
  text_config: object
}

/** Reads a file of this project by its path. */
export type ReadProjectFile = (path: string) => Promise<ArrayBuffer | undefined>

/** The files of its pack, by path. It knows the words of the built-in model, and what it answers means nothing. */
export async function smallModel(
  read: ReadProjectFile,
  { positions = 512, precision = 'q8', name = 'small' }: SmallModel = {},
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const config = (await json(read, 'config.json')) as Config
  const made = checkpointOf(
    JSON.stringify({
      ...config,
      vision_config: { ...config.vision_config, ...VISION },
      qformer_config: { ...config.qformer_config, ...Q_FORMER },
      text_config: { ...config.text_config, ...TEXT, max_position_embeddings: positions },
    }),
    1,
  )
  const preprocessing = (await json(read, 'preprocessor_config.json')) as object
  const side = Object.assign(preprocessing, { size: { height: IMAGE_SIZE, width: IMAGE_SIZE } })
  const tree: FileTree = {
    open: async (path) => {
      if (path === 'preprocessor_config.json') return new TextEncoder().encode(JSON.stringify(side)).buffer
      return (
        (await made.open(path)) ?? (SIDE_FILES.includes(path) ? read(`${CHECKPOINT}/${path}`) : undefined)
      )
    },
  }
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(tree, sinkInMemory(files), { precision, name })
  return files
}

/** The same pack, opened, for tests in a browser. */
export async function smallPack(options?: SmallModel): Promise<PackReader> {
  const read: ReadProjectFile = async (path) => {
    const response = await fetch(`/${path}`)
    return response.ok ? response.arrayBuffer() : undefined
  }
  return packInMemory(await smallModel(read, options))
}

const SIDE_FILES = ['tokenizer.json', 'tokenizer_config.json']
/** Two patches by two. */
const IMAGE_SIZE = 28
const WIDTH = 128
const VISION = {
  image_size: IMAGE_SIZE,
  hidden_size: WIDTH,
  intermediate_size: 2 * WIDTH,
  num_hidden_layers: 1,
  num_attention_heads: 2,
}
/** Two layers: only every other one looks at the picture. */
const Q_FORMER = {
  encoder_hidden_size: WIDTH,
  hidden_size: WIDTH,
  intermediate_size: 2 * WIDTH,
  num_hidden_layers: 2,
  num_attention_heads: 2,
}
const TEXT = {
  hidden_size: WIDTH,
  word_embed_proj_dim: WIDTH,
  ffn_dim: 2 * WIDTH,
  num_hidden_layers: 2,
  num_attention_heads: 2,
}

async function json(read: ReadProjectFile, name: string): Promise<unknown> {
  const bytes = await read(`${CHECKPOINT}/${name}`)
  if (bytes === undefined) throw new Error(`There is no ${CHECKPOINT}/${name}.`)
  return JSON.parse(new TextDecoder().decode(bytes))
}
