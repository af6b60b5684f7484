/** What LAVIS' code knows of a model and its files do not say, as a `config.json` of transformers' kind. */
import { AppError } from '../../pack/failure.ts'
import type { Checkpoint, TensorInfo } from '../checkpoint.ts'
import { CLIP_TOWER } from '../families/blip2-look.ts'
import type { Json } from '../side-files.ts'
import type { TowerKind } from './names.ts'

/** Blocks that LAVIS builds of each tower; files of the towers have one more (`create_eva_vit_g`, `create_clip_vit_L`). */
export const TOWER_DEPTH: Readonly<Record<TowerKind, number>> = { eva: 39, clip: 23 }

/** Widths of heads, which LAVIS sets by hand: `num_heads=1408//88`, `heads=16` of 1024, BERT's 12 of 768. */
const HEAD_SIZE = { eva: 88, clip: 64, qFormer: 64 } as const

/** The language model, as its own `config.json` describes it, with the id of a line break: what ends LAVIS' answers of OPT. */
export interface LanguageConfig {
  json: Json
  newlineId: number | undefined
}

/** The configuration of what `checkpoint` holds, under transformers' names; without a language model one that compares. */
export function lavisConfig(
  { tensors }: Pick<Checkpoint, 'tensors'>,
  tower: TowerKind,
  language: LanguageConfig | undefined,
): Json {
  const shapes = new Shapes(tensors)
  const [, queries = 0, width = 0] = shapes.of('query_tokens', 3)
  const common = {
    model_type: 'blip-2',
    num_query_tokens: queries,
    vision_config: tower === 'eva' ? evaConfig(shapes) : clipConfig(shapes),
  }
  const qFormer = {
    model_type: 'blip_2_qformer',
    hidden_size: width,
    num_attention_heads: width / HEAD_SIZE.qFormer,
    num_hidden_layers: shapes.count(/^qformer\.encoder\.layer\.(\d+)\./),
    intermediate_size: shapes.of('qformer.encoder.layer.0.intermediate_query.dense.weight', 2)[0],
  }
  if (language === undefined)
    return {
      ...common,
      architectures: ['Blip2ForImageTextRetrieval'],
      image_text_hidden_size: shapes.of('vision_projection.weight', 2)[0],
      qformer_config: {
        ...qFormer,
        use_qformer_text_input: true,
        vocab_size: shapes.of('embeddings.word_embeddings.weight', 2)[0],
        max_position_embeddings: shapes.of('embeddings.position_embeddings.weight', 2)[0],
      },
    }
  return {
    ...common,
    architectures: ['Blip2ForConditionalGeneration'],
    use_decoder_only_language_model: language.json['model_type'] === 'opt',
    qformer_config: qFormer,
    text_config: textConfig(language),
  }
}

/** As LAVIS alters them: OPT ends with a line, T5 has the exact GELU. */
function textConfig({ json, newlineId }: LanguageConfig): Json {
  if (json['model_type'] !== 'opt') return { ...json, dense_act_fn: 'gelu' }
  return newlineId === undefined ? json : { ...json, eos_token_id: newlineId }
}

function evaConfig(shapes: Shapes): Json {
  const at = 'vision_model.embeddings'
  const [width = 0, , patch = 0] = shapes.of(`${at}.patch_embedding.weight`, 4)
  return {
    model_type: 'blip_2_vision_model',
    hidden_size: width,
    num_attention_heads: width / HEAD_SIZE.eva,
    intermediate_size: shapes.of('vision_model.encoder.layers.0.mlp.fc1.weight', 2)[0],
    num_hidden_layers: shapes.count(/^vision_model\.encoder\.layers\.(\d+)\./),
    patch_size: patch,
    image_size: patch * sideOf(shapes.of(`${at}.position_embedding`, 3)[1]),
    layer_norm_eps: 1e-6,
    // `ln_vision` is torch's LayerNorm as it comes.
    post_layer_norm_eps: 1e-5,
  }
}

function clipConfig(shapes: Shapes): Json {
  const [width = 0, , patch = 0] = shapes.of('vision_model.conv1.weight', 4)
  return {
    model_type: CLIP_TOWER,
    hidden_act: 'quick_gelu',
    hidden_size: width,
    num_attention_heads: width / HEAD_SIZE.clip,
    intermediate_size: shapes.of('vision_model.blocks.0.mlp.c_fc.weight', 2)[0],
    num_hidden_layers: shapes.count(/^vision_model\.blocks\.(\d+)\./),
    patch_size: patch,
    image_size: patch * sideOf(shapes.of('vision_model.positional_embedding', 2)[0]),
    layer_norm_eps: 1e-5,
  }
}

/** Patches along a side; one position is the class token's. */
function sideOf(positions = 0): number {
  return Math.round(Math.sqrt(positions - 1))
}

/** Shapes by name. What is missing or has other dimensions throws `bad-checkpoint`. */
class Shapes {
  readonly #tensors: ReadonlyMap<string, TensorInfo>

  constructor(tensors: ReadonlyMap<string, TensorInfo>) {
    this.#tensors = tensors
  }

  of(name: string, dimensions: number): readonly number[] {
    const shape = this.#tensors.get(name)?.shape
    if (shape?.length === dimensions) return shape
    const why = shape === undefined ? `it has no ${name}` : `its ${name} has ${shape.length} dimensions`
    throw new AppError(
      'bad-checkpoint',
      `This is no BLIP-2 of LAVIS that can be read: ${why}; download it again.`,
    )
  }

  /** One more than the highest number in names of the pattern. */
  count(numbered: RegExp): number {
    let most = 0
    for (const name of this.#tensors.keys()) {
      const number = numbered.exec(name)?.[1]
      if (number !== undefined) most = Math.max(most, Number(number) + 1)
    }
    return most
  }
}
