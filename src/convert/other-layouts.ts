/** A folder without the weights that can be read: which other things people have there, and what to do about each. */
import type { FileTree } from '../pack/bytes.ts'
import { AppError, type FailureCode } from '../pack/failure.ts'

export const SINGLE = 'model.safetensors'
export const INDEX = 'model.safetensors.index.json'
export const TORCH_SINGLE = 'pytorch_model.bin'
export const TORCH_INDEX = 'pytorch_model.bin.index.json'

interface Layout {
  /** Files by which it is known. */
  pattern: RegExp
  /** Names that are tried where a place cannot list its files. */
  probes: readonly string[]
  code: FailureCode
  /** One sentence; `file` is what was found. */
  says: (file: string) => string
}

const SAVE_AGAIN = 'load the model with transformers and save it with save_pretrained'

/** In the order in which they are looked for: the first that is there is what the folder is. */
const LAYOUTS: readonly Layout[] = [
  {
    pattern: /^adapter_model\.(safetensors|bin)$/,
    probes: ['adapter_model.safetensors', 'adapter_model.bin'],
    code: 'unsupported-model',
    says: adapterSentence,
  },
  {
    pattern: /^model[ _-]?(\(\d+\)|copy|\d+)\.safetensors$|^model-\d+-of-\d+ ?\(\d+\)\.safetensors$/i,
    probes: ['model (1).safetensors'],
    code: 'bad-checkpoint',
    says: (file) => `There is no ${SINGLE}, but ${file}; give it the name that it had before it was copied.`,
  },
  {
    pattern: /^model(-\d+-of-\d+)?\.(fp16|bf16|fp32|float16|non_ema)(-\d+-of-\d+)?\.safetensors$/,
    probes: ['model.fp16.safetensors', 'model.bf16.safetensors'],
    code: 'bad-checkpoint',
    says: (file) =>
      `There is no ${SINGLE}, but a variant of it, ${file}; ${SAVE_AGAIN}, or rename it if it is the only file of weights.`,
  },
  {
    pattern: /^model-\d+-of-\d+\.safetensors$/,
    probes: ['model-00001-of-00002.safetensors'],
    code: 'bad-checkpoint',
    says: (file) =>
      `There are shards (${file}) without their index; download ${INDEX} of the same checkpoint, too.`,
  },
  {
    pattern: /^(pytorch_model.*\.(bin|index\.json)|.*\.(pt|pth|ckpt))$/,
    probes: [TORCH_SINGLE, TORCH_INDEX],
    code: 'bad-checkpoint',
    says: (file) =>
      `This checkpoint has only ${file}, a Python pickle that is not safe to open; use a revision with ${SINGLE} or save it again as safetensors.`,
  },
  {
    pattern: /\.gguf$/i,
    probes: [],
    code: 'unsupported-model',
    says: (file) =>
      `${file} is GGUF, a format of llama.cpp that holds a model of another make; use the checkpoint it was made of, as safetensors.`,
  },
  {
    pattern: /^(tf_model\.h5|flax_model.*\.msgpack|openvino_model\.(bin|xml)|.*\.onnx|rust_model\.ot)$/,
    probes: ['tf_model.h5', 'flax_model.msgpack'],
    code: 'unsupported-model',
    says: (file) =>
      `There are only weights of another program here (${file}); use a checkpoint with ${SINGLE}.`,
  },
  {
    pattern: /\.(crdownload|part|partial|download|incomplete|opdownload|aria2|!ut)$/i,
    probes: [],
    code: 'bad-checkpoint',
    says: (file) => `${file} is a download that was not finished; let it finish, or download the file again.`,
  },
  {
    pattern: /\.(zip|gz|tgz|tar|7z|rar|zst|xz|bz2|001)$/i,
    probes: [],
    code: 'bad-checkpoint',
    says: (file) => `${file} is packed; unpack it and name the folder that comes out.`,
  },
  {
    pattern: /\.(safetensors|bin)$/,
    probes: [],
    code: 'bad-checkpoint',
    says: (file) =>
      `There is neither ${SINGLE} nor ${INDEX} here, only ${file}; give the weights the name that they have on the hub.`,
  },
]

/** Why no weights were found: named where it is another layout that people have. */
export async function whyNoWeights(tree: FileTree): Promise<AppError> {
  const listed = await tree.list?.()
  for (const path of [SINGLE, INDEX])
    if (listed?.includes(path) && (await tree.open(path)) === undefined)
      return new AppError(
        'bad-checkpoint',
        `${path} is a link that leads nowhere, or a folder; download the file again.`,
      )
  for (const { pattern, probes, code, says } of LAYOUTS) {
    const found = listed?.find((path) => pattern.test(path)) ?? (await firstThere(tree, probes))
    if (found !== undefined) return new AppError(code, says(found))
  }
  return new AppError(
    'not-found',
    `There is neither ${SINGLE} nor ${INDEX} here; name a folder with a checkpoint.`,
  )
}

async function firstThere(tree: FileTree, probes: readonly string[]): Promise<string | undefined> {
  for (const path of probes) if ((await tree.open(path)) !== undefined) return path
  return undefined
}

/** What there is to do about an adapter, in one sentence; `found` is how it showed. */
export function adapterSentence(found: string): string {
  return `This is an adapter (LoRA or its like: ${found}), not a whole model; merge it into its base model first (merge_and_unload of peft) and save that.`
}
