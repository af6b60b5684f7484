/** A checkpoint and packs that are as small as they can be: what is cut short is their keeping, not their arithmetic. */
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { LEDGER_PATH } from '../../src/convert/pack-writer.ts'
import { sinkInMemory, type ByteSource, type FileTree } from '../../src/pack/bytes.ts'
import type { Precision } from '../../src/pack/manifest.ts'
import type { ModelSource } from '../../src/protocol/keeper-calls.ts'
import { checkpointOf } from '../../src/synthetic/checkpoint.ts'

export type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>

/** The same as files of this computer. */
export function filesOfComputer(files: Files): ModelSource {
  const picked = [...files].map(([path, bytes]) => ({
    path: `local/${path}`,
    file: new File([bytes], path, { lastModified: 1 }),
  }))
  return { kind: 'files', files: picked }
}

const CONFIG = {
  architectures: ['Blip2ForConditionalGeneration'],
  model_type: 'blip-2',
  image_token_index: 31,
  num_query_tokens: 2,
  qformer_config: {
    model_type: 'blip_2_qformer',
    hidden_size: 16,
    intermediate_size: 16,
    num_attention_heads: 1,
    num_hidden_layers: 1,
  },
  text_config: {
    model_type: 'opt',
    eos_token_id: 30,
    ffn_dim: 16,
    hidden_size: 16,
    max_position_embeddings: 16,
    num_attention_heads: 1,
    num_hidden_layers: 1,
    vocab_size: 32,
    word_embed_proj_dim: 16,
  },
  use_decoder_only_language_model: true,
  vision_config: {
    model_type: 'blip_2_vision_model',
    hidden_size: 16,
    image_size: 16,
    intermediate_size: 16,
    num_attention_heads: 1,
    num_hidden_layers: 1,
    patch_size: 8,
  },
}

/** The files of a checkpoint whose weights follow from `seed`. */
export async function smallCheckpoint(seed: number): Promise<Files> {
  const tree = checkpointOf(JSON.stringify(CONFIG), seed)
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const path of ['config.json', 'model.safetensors']) {
    const source = await tree.open(path)
    if (source !== undefined) files.set(path, new Uint8Array(await source.slice(0, source.byteLength)))
  }
  return files
}

export function treeOf(files: Files): FileTree {
  return {
    open: (path) => {
      const bytes = files.get(path)
      return Promise.resolve(bytes && { ...sourceOf(bytes), version: versionOf(bytes) })
    },
  }
}

function sourceOf({ buffer }: Uint8Array<ArrayBuffer>): ByteSource {
  return { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) }
}

const versions = new WeakMap<Uint8Array, string>()
let latest = 0

/** Another for each file, as dates and ETags are: checkpoints that differ only in their weights are of one size. */
export function versionOf(bytes: Uint8Array): string {
  const known = versions.get(bytes) ?? `version ${(latest += 1)}`
  versions.set(bytes, known)
  return known
}

/** The pack that a checkpoint becomes where nothing is cut short; without what the converter remembers. */
export async function converted(
  checkpoint: Files,
  name: string,
  precision: Precision = 'q8',
): Promise<Files> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(treeOf(checkpoint), sinkInMemory(files), { name, precision })
  files.delete(LEDGER_PATH)
  return files
}
