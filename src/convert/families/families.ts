/** Every family of checkpoints that can be converted. */
import { isBlip2 } from './blip2-look.ts'
import { blip2Opt } from './blip2-opt.ts'
import { blip2T5 } from './blip2-t5.ts'
import { parseConfig, section, unsupported, type Json } from './config-json.ts'
import type { CheckpointFamily, CheckpointModel, Choices } from './family.ts'

const FAMILIES: readonly CheckpointFamily[] = [blip2Opt, blip2T5]

/** The model that a `config.json` describes. Throws `unsupported-model` when no family knows it, `bad-checkpoint` for impossible values. */
export function readModel(configText: string, choices: Choices = {}): CheckpointModel {
  const root = parseConfig(configText)
  const family = FAMILIES.find((one) => one.recognises(root))
  if (family === undefined) throw unsupported(whyUnknown(root))
  return family.read(root, choices)
}

function whyUnknown(root: Json): string {
  if (isBlip2(root)) {
    const language = section(root, 'text_config')['model_type'] ?? 'opt'
    return `its language model is ${JSON.stringify(language)}, neither a decoder-only OPT nor a T5`
  }
  const architectures = Array.isArray(root['architectures']) ? root['architectures'].map(String) : []
  const found = architectures[0] ?? String(root['model_type'])
  return `it is ${found}, not Blip2ForConditionalGeneration`
}
