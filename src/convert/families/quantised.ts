/** Checkpoints whose weights were quantised already: their numbers mean something only to the program that wrote them. */
import { isRecord } from '../../pack/json.ts'
import { shown, unsupported, type Json } from './config-json.ts'

/** Names of methods as people know them (transformers 5.18 `QuantizationMethod`). */
const NAMES: Readonly<Record<string, string>> = {
  bitsandbytes: 'bitsandbytes',
  gptq: 'GPTQ',
  awq: 'AWQ',
  'compressed-tensors': 'compressed-tensors',
  fp8: 'FP8',
  hqq: 'HQQ',
  quanto: 'quanto',
  torchao: 'torchao',
  mxfp4: 'MXFP4',
}

const USE_ORIGINAL = 'use the checkpoint that it was made of, it is made small here'

const SECTIONS = ['text_config', 'vision_config', 'qformer_config'] as const

/** Throws `unsupported-model` where `quantization_config` stands in the configuration or in one of its parts. */
export function checkNotQuantised(root: Json): void {
  const parts = SECTIONS.map((name) => root[name]).filter(isRecord)
  const found = [root, ...parts].map((part) => part['quantization_config']).find((value) => value != null)
  if (found === undefined) return
  throw unsupported(`its weights are quantised already (${methodOf(found)}); ${USE_ORIGINAL}`)
}

/** What is stored beside weights, or in their place, by GPTQ and AWQ, bitsandbytes, FP8 and compressed-tensors. */
const QUANTISED_TENSOR =
  /\.(qweight|qzeros|g_idx|SCB|(nested_)?(absmax|quant_map)|quant_state\.bitsandbytes__\w+|weight_(scale|scale_inv|packed|zero_point))$/

/** The same of checkpoints whose configuration does not say so. */
export function checkNoQuantisedTensors(names: Iterable<string>): void {
  for (const name of names) {
    if (QUANTISED_TENSOR.test(name))
      throw unsupported(`its weights are quantised already (${shown(name)}); ${USE_ORIGINAL}`)
  }
}

function methodOf(config: unknown): string {
  if (!isRecord(config)) return shown(config)
  const { quant_method: method, load_in_4bit: four, load_in_8bit: eight, bits } = config
  const name = typeof method === 'string' ? (NAMES[method] ?? shown(method)) : 'by an unnamed method'
  const width = four === true ? 4 : eight === true ? 8 : bits
  return typeof width === 'number' ? `${name}, ${width} bits` : name
}
