/**
 * Adapters (LoRA and its like) and wrappers. What an adapter adds to the weights must not be dropped in silence, so a
 * checkpoint with one is refused until it is merged. A wrapper (data parallelism, compilation) changes nothing but names,
 * so where every name has its prefix, it is taken off.
 */
import type { FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { adapterSentence } from './other-layouts.ts'

/** Names that peft gives to what it adds, and to what it wraps (peft 0.18: `lora`, `ia3`, `loha`, `lokr`, `oft`, prompts). */
const ADAPTER_TENSOR =
  /(^|\.)(lora_(A|B|embedding_A|embedding_B|magnitude_vector)|hada_[wt]\w*|lokr_\w+|oft_[rs]|vera_lambda_\w+|ia3_l|base_layer|modules_to_save|original_module|prompt_encoder|prompt_embeddings)(\.|$)/

/** torch's DistributedDataParallel and DataParallel, `torch.compile`, and both. */
const WRAPPER = /^((module|_orig_mod)\.)+/

/** peft's own: without its adapter the model below it is not what was trained. */
const PEFT = /^base_model\.model\./

/** transformers would load such a folder's adapter on top of its weights. Throws `unsupported-model`. */
export async function checkNoAdapterFile(tree: FileTree): Promise<void> {
  if ((await tree.open('adapter_config.json')) === undefined) return
  throw new AppError('unsupported-model', adapterSentence('adapter_config.json'))
}

/** Throws `unsupported-model` for tensors of an adapter. */
export function checkNoAdapterTensors(names: Iterable<string>): void {
  for (const name of names)
    if (ADAPTER_TENSOR.test(name) || PEFT.test(name))
      throw new AppError('unsupported-model', adapterSentence(JSON.stringify(name)))
}

/** What to take off the names of tensors: the prefix of a wrapper that all of them have, else nothing. */
export function wrapperPrefix(names: Iterable<string>): string {
  let common: string | undefined
  for (const name of names) {
    const prefix = WRAPPER.exec(name)?.[0] ?? ''
    common ??= prefix
    if (prefix !== common) return ''
  }
  return common ?? ''
}
