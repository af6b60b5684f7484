/** What a conversion of BLIP-2 will write, worked out from the configuration alone, one function for each family. */
import type { PackModel } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import { partShapes, type Blip2Config } from './families/blip2-opt.ts'
import { t5PartShapes, type Blip2T5Config } from './families/blip2-t5.ts'
import type { AccuracyLevel, GraphBuilder } from './onnx/graph-builder.ts'
import { buildDecoder, planDecoder } from './parts/opt.ts'
import { buildT5Decoder, planT5Decoder } from './parts/t5-decoder.ts'
import { buildT5Encoder, planT5Encoder } from './parts/t5-encoder.ts'
import { PlanDraft, type ConversionPlan } from './plan-draft.ts'

export function planConversion(
  config: Blip2Config,
  precision: Precision,
  accuracyLevel: AccuracyLevel = 0,
): ConversionPlan<PackModel<'blip2-opt'>> {
  const draft = new PlanDraft(precision, accuracyLevel)
  const look = draft.look(config, config.text.hiddenSize)
  const decoder = planDecoder(draft.planner('decoder'), config.text)
  const build =
    (sharedTable: boolean) =>
    (graph: GraphBuilder): void =>
      buildDecoder(graph, config, decoder, sharedTable)
  const half = draft.f16 && draft.write('decoder', 'f16', 'float16', build(true))
  const webgpu = draft.write('decoder', 'f32', 'float32', build(true))
  const wasm = draft.write('decoder', 'wasm', 'float32', build(false))
  const graphs = { wasm, webgpu, ...(half && { 'webgpu-f16': half }) }
  const shapes = partShapes(config)
  return draft.finish({
    family: 'blip2-opt',
    parts: {
      vision: { ...look.vision, shape: shapes.vision },
      'q-former': { ...look['q-former'], shape: shapes['q-former'] },
      decoder: { ...draft.placed('decoder', graphs), shape: shapes.decoder },
    },
  })
}

/** T5 computes in float32 whatever its weights are stored as: what it computes leaves the range of float16. */
export function planT5Conversion(
  config: Blip2T5Config,
  precision: Precision,
  accuracyLevel: AccuracyLevel = 0,
): ConversionPlan<PackModel<'blip2-t5'>> {
  const { text, queries } = config
  const draft = new PlanDraft(precision, accuracyLevel)
  const look = draft.look(config, text.hiddenSize)
  const encoder = planT5Encoder(draft.planner('text-encoder'), text)
  const decoder = planT5Decoder(draft.planner('text-decoder'), text)
  const read = draft.write('text-encoder', 'f32', 'float32', (graph) =>
    buildT5Encoder(graph, text, queries, encoder),
  )
  const [webgpu, wasm] = [
    draft.write('text-decoder', 'f32', 'float32', (graph) => buildT5Decoder(graph, text, decoder, true)),
    draft.write('text-decoder', 'wasm', 'float32', (graph) => buildT5Decoder(graph, text, decoder, false)),
  ]
  const shapes = t5PartShapes(config)
  return draft.finish({
    family: 'blip2-t5',
    parts: {
      vision: { ...look.vision, shape: shapes.vision },
      'q-former': { ...look['q-former'], shape: shapes['q-former'] },
      'text-encoder': {
        ...draft.placed('text-encoder', { wasm: read, webgpu: read }),
        shape: shapes['text-encoder'],
      },
      'text-decoder': { ...draft.placed('text-decoder', { wasm, webgpu }), shape: shapes['text-decoder'] },
    },
  })
}
