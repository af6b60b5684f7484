/**
 * The families of models that a pack can hold, and which parts each is made of. A new family is an entry here; a new
 * kind of part is described in `shapes`, and what goes into and comes out of its graphs in `parts`.
 */
import { literal, type GenericSchema, type InferOutput } from 'valibot'
import { fields, optional, ruled, text, type Demand } from './schema.ts'
import {
  crossAttentionKind,
  crossLayersOf,
  decoderKind,
  pooledClassKind,
  qFormerKind,
  textDecoderKind,
  textEncoderKind,
  textStatesKind,
  textQFormerKind,
  visionKind,
  wordHeadKind,
  type PartKind,
} from './shapes.ts'

/**
 * What a graph was written for. All of a part share one weights file. `webgpu-f16` exists where weights are stored as
 * f16 and needs the adapter's `shader-f16`; `wasm` differs from `webgpu` only where the CPU kernels want another layout.
 */
export const TARGETS = ['wasm', 'webgpu', 'webgpu-f16'] as const
export type Target = (typeof TARGETS)[number]

/** Every kind of part that there is, by the name that it has in packs. */
export const PART_KINDS = {
  vision: visionKind,
  'q-former': qFormerKind,
  decoder: decoderKind,
  'text-encoder': textEncoderKind,
  'text-decoder': textDecoderKind,
  'text-q-former': textQFormerKind,
  'cross-attention': crossAttentionKind,
  'word-head': wordHeadKind,
  'pooled-class': pooledClassKind,
  'text-states': textStatesKind,
}

/** Graphs over the weights of another part, which are opened for themselves when somebody wants to look inside. */
const ASIDE: readonly PartName[] = ['cross-attention', 'word-head', 'pooled-class', 'text-states']

export function isAside(name: PartName): boolean {
  return ASIDE.includes(name)
}

export type PartName = keyof typeof PART_KINDS
export type PartShapes = { [Name in PartName]: InferOutput<(typeof PART_KINDS)[Name]['schema']> }

const path = text(1, 100)
const graphs = fields({ wasm: optional(path), webgpu: optional(path), 'webgpu-f16': optional(path) })

/** A graph file for each target that the pack was written for, the weights file of them all, and what they compute. */
export interface PackPart<Shape = PartShapes[PartName]> {
  graphs: InferOutput<typeof graphs>
  weights: string
  shape: Shape
}

/* @__NO_SIDE_EFFECTS__ */
function part<Shape>({ schema }: PartKind<Shape>): GenericSchema<PackPart<Shape>> {
  return fields({ graphs, weights: path, shape: schema })
}

/* @__NO_SIDE_EFFECTS__ */
function family<Name extends string, Parts>(
  name: Name,
  parts: GenericSchema<Parts>,
): GenericSchema<{ family: Name; parts: Parts }> {
  return fields({ family: literal(name), parts })
}

/** A part over the weights of another is as large as that one. */
function checkAside<Field extends string>(
  name: PartName,
  aside: PackPart<Record<Field, number>> | undefined,
  whole: PackPart<Record<Field, number>>,
  sizes: readonly Field[],
  demand: Demand,
): void {
  if (aside === undefined) return
  for (const field of sizes)
    demand(
      aside.shape[field] === whole.shape[field],
      `${name}.shape.${field}`,
      `must be ${whole.shape[field]}, as of the weights that it goes over`,
    )
  demand(aside.weights === whole.weights, `${name}.weights`, `must be ${whole.weights}`)
}

/** Query embeddings in front of the tokens of OPT. */
const blip2Opt = ruled(
  fields({
    vision: part(visionKind),
    'q-former': part(qFormerKind),
    decoder: part(decoderKind),
    'pooled-class': optional(part(pooledClassKind)),
    'text-states': optional(part(textStatesKind)),
  }),
  ({ vision, 'q-former': qFormer, decoder, ...aside }, demand) => {
    checkAside('pooled-class', aside['pooled-class'], vision, ['hiddenSize'], demand)
    const fields = ['hiddenSize', 'layers', 'heads', 'vocabulary', 'positions'] as const
    checkAside('text-states', aside['text-states'], decoder, fields, demand)
    const { queries, embeddingSize } = qFormer.shape
    const { shape } = decoder
    demand(shape.queries === queries, 'decoder.shape.queries', `must be the Q-Former's, ${queries}`)
    demand(
      shape.hiddenSize === embeddingSize,
      'decoder.shape.hiddenSize',
      `must be the width of the query embeddings, ${embeddingSize}`,
    )
  },
)

/** Query embeddings in front of the prompt that T5's encoder reads. */
const blip2T5 = ruled(
  fields({
    vision: part(visionKind),
    'q-former': part(qFormerKind),
    'text-encoder': part(textEncoderKind),
    'text-decoder': part(textDecoderKind),
    'pooled-class': optional(part(pooledClassKind)),
  }),
  ({ vision, 'q-former': qFormer, 'text-encoder': encoder, 'text-decoder': decoder, ...aside }, demand) => {
    checkAside('pooled-class', aside['pooled-class'], vision, ['hiddenSize'], demand)
    const { queries, embeddingSize } = qFormer.shape
    const [read, said] = [encoder.shape, decoder.shape]
    demand(read.queries === queries, 'text-encoder.shape.queries', `must be the Q-Former's, ${queries}`)
    demand(
      read.hiddenSize === embeddingSize,
      'text-encoder.shape.hiddenSize',
      `must be the width of the query embeddings, ${embeddingSize}`,
    )
    for (const field of ['hiddenSize', 'heads', 'headSize', 'vocabulary'] as const)
      demand(
        said[field] === read[field],
        `text-decoder.shape.${field}`,
        `must be the encoder's, ${read[field]}`,
      )
    const { crossLayers } = read
    demand(
      said.layers === crossLayers,
      'text-decoder.shape.layers',
      `must be ${crossLayers}, as the encoder says`,
    )
  },
)

/**
 * A Q-Former that reads texts beside its queries, a look into it and, where the checkpoint has one, the head by which it
 * writes: graphs over one file of weights.
 */
const blip2Itm = ruled(
  fields({
    vision: part(visionKind),
    'text-q-former': part(textQFormerKind),
    'cross-attention': part(crossAttentionKind),
    'word-head': optional(part(wordHeadKind)),
  }),
  ({ 'text-q-former': qFormer, 'cross-attention': look, 'word-head': head }, demand) => {
    checkAside('cross-attention', look, qFormer, ['queries', 'hiddenSize', 'heads'], demand)
    const layers = crossLayersOf(qFormer.shape)
    demand(look.shape.layers === layers, 'cross-attention.shape.layers', `must be ${layers}`)
    checkAside('word-head', head, qFormer, ['hiddenSize', 'vocabulary'], demand)
  },
)

/** What a manifest says of each family's models: `family` and `parts`. */
export const FAMILIES = {
  'blip2-opt': family('blip2-opt', blip2Opt),
  'blip2-t5': family('blip2-t5', blip2T5),
  'blip2-itm': family('blip2-itm', blip2Itm),
}

export type Family = keyof typeof FAMILIES
/** Those that write answers. */
export type TalkingFamily = Exclude<Family, 'blip2-itm'>
export type PackModel<F extends Family = Family> = InferOutput<(typeof FAMILIES)[F]>

/** What each family is called for people. */
export const FAMILY_NAMES: Record<Family, string> = {
  'blip2-opt': 'BLIP-2 with OPT',
  'blip2-t5': 'BLIP-2 with T5',
  'blip2-itm': 'BLIP-2 that compares pictures with texts',
}

export function isFamily(value: unknown): value is Family {
  return typeof value === 'string' && Object.hasOwn(FAMILIES, value)
}

/** The Q-Former of a model, of whichever sort it is. */
export function qFormerOf(model: PackModel): PackPart<PartShapes['q-former' | 'text-q-former']> {
  return model.family === 'blip2-itm' ? model.parts['text-q-former'] : model.parts['q-former']
}

/** Ids that a model's language part knows, padding rows included; 0 when it has none. */
export function vocabularyOf(model: PackModel): number {
  const sizes = partsOf(model).map(([, { shape }]) => ('vocabulary' in shape ? shape.vocabulary : 0))
  return Math.max(...sizes)
}

/** Numbers in the largest token table of a model; 0 when it has none. */
export function largestTable(model: PackModel): number {
  const tables = partsOf(model).map(([, { shape }]) =>
    'vocabulary' in shape ? shape.vocabulary * shape.hiddenSize : 0,
  )
  return Math.max(...tables)
}

/** The part of a model that has the name. */
export function partNamed(model: PackModel, wanted: PartName): PackPart | undefined {
  return partsOf(model).find(([name]) => name === wanted)?.[1]
}

/** The parts of a model, in the order in which they run. */
export function partsOf({ parts }: PackModel): [PartName, PackPart][] {
  return Object.entries(parts) as [PartName, PackPart][]
}
