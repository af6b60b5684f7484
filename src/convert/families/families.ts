/** Every family of checkpoints that can be converted. */
import { blip2Itm } from './blip2-itm.ts'
import { isBlip2 } from './blip2-look.ts'
import { blip2Opt } from './blip2-opt.ts'
import { blip2T5 } from './blip2-t5.ts'
import { section, shown, unsupported, type Json } from './config-json.ts'
import { checkNotQuantised } from './quantised.ts'
import type { CheckpointFamily, CheckpointModel, Choices } from './family.ts'

const FAMILIES: readonly CheckpointFamily[] = [blip2Opt, blip2T5, blip2Itm]

/** The model that a `config.json` describes. Throws `unsupported-model` when no family knows it, `bad-checkpoint` for impossible values. */
export function readModel(root: Json, choices: Choices = {}): CheckpointModel {
  checkNotQuantised(root)
  const family = FAMILIES.find((one) => one.recognises(root))
  if (family === undefined) throw unsupported(whyUnknown(root))
  return family.read(root, choices)
}

function whyUnknown(root: Json): string {
  if (isBlip2(root)) {
    const language = section(root, 'text_config')['model_type'] ?? 'opt'
    return `its language model is ${shown(language)}, neither a decoder-only OPT nor a T5`
  }
  return `it is ${otherModel(root)}, not a whole BLIP-2 that writes (Blip2ForConditionalGeneration)`
}

/** What people take for a BLIP-2, by the start of its class's name, and what it is; the first that fits. */
const OTHERS: readonly [start: string, what: string][] = [
  ['Blip2TextModel', 'the part of a BLIP-2 that reads texts'],
  ['Blip2VisionModel', 'the vision encoder of a BLIP-2 alone'],
  ['blip_2_vision_model', 'the vision encoder of a BLIP-2 alone'],
  ['Blip2QFormerModel', 'the Q-Former of a BLIP-2 alone'],
  ['blip_2_qformer', 'the Q-Former of a BLIP-2 alone'],
  ['InstructBlip', 'whose Q-Former reads the question, too'],
  ['instructblip', 'whose Q-Former reads the question, too'],
  ['Blip', 'the first BLIP, another model'],
  ['blip', 'the first BLIP, another model'],
  ['OPT', 'a language model that sees no pictures'],
  ['opt', 'a language model that sees no pictures'],
  ['T5', 'a language model that sees no pictures'],
  ['t5', 'a language model that sees no pictures'],
]

function otherModel(root: Json): string {
  const architectures: unknown[] = Array.isArray(root['architectures']) ? root['architectures'] : []
  const { model_type: type } = root
  const found = architectures[0] ?? type
  if (typeof found !== 'string') return (found ?? null) === null ? 'a model of no stated kind' : shown(found)
  const what = OTHERS.find(([start]) => found.startsWith(start))?.[1]
  return what === undefined ? found : `${found} (${what})`
}
