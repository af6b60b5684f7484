/**
 * LAVIS' names of tensors → transformers', by which everything else here goes. The one table of them: for models that
 * write, for those that compare (stage 1), and for the towers that LAVIS' files leave out.
 * Source: salesforce/LAVIS 506965b, and transformers' `convert_blip_2_original_to_pytorch.py`.
 */

/** The first rule whose beginning fits replaces it. */
type Rules = readonly (readonly [begin: RegExp, own: string])[]

const MODEL: Rules = [
  [/^ln_vision\./, 'vision_model.post_layernorm.'],
  [/^Qformer\.bert\.embeddings\.LayerNorm\./, 'qformer.layernorm.'],
  [/^Qformer\.bert\.embeddings\.(word|position)_embeddings\./, 'embeddings.$1_embeddings.'],
  [
    /^Qformer\.bert\.encoder\.layer\.(\d+)\.(attention|crossattention)\.self\./,
    'qformer.encoder.layer.$1.$2.attention.',
  ],
  [/^Qformer\.bert\.encoder\./, 'qformer.encoder.'],
  [/^(opt|t5)_proj\./, 'language_projection.'],
  [/^(vision|text)_proj\./, '$1_projection.'],
  [/^(query_tokens|temp)$/, '$1'],
  [/^itm_head\./, 'itm_head.'],
  [/^Qformer\.cls\.predictions\./, 'cls.predictions.'],
]

const EVA: Rules = [
  [/^cls_token$/, 'embeddings.class_embedding'],
  [/^pos_embed$/, 'embeddings.position_embedding'],
  [/^patch_embed\.proj\./, 'embeddings.patch_embedding.'],
  [/^blocks\.(\d+)\.norm([12])\./, 'encoder.layers.$1.layer_norm$2.'],
  [/^blocks\.(\d+)\.attn\.proj\./, 'encoder.layers.$1.self_attn.projection.'],
  // q_bias and v_bias, too, which the tower's bias is put together from.
  [/^blocks\.(\d+)\.attn\./, 'encoder.layers.$1.self_attn.'],
  [/^blocks\.(\d+)\.mlp\./, 'encoder.layers.$1.mlp.'],
]

/** transformers has no such tower; the names are LAVIS', with a module for each pair of weight and bias. */
const CLIP: Rules = [
  [/^(class_embedding|positional_embedding)$/, '$1'],
  [/^(conv1|ln_pre)\./, '$1.'],
  [/^transformer\.resblocks\.(\d+)\.attn\.in_proj_/, 'blocks.$1.attn.in_proj.'],
  [/^transformer\.resblocks\.(\d+)\./, 'blocks.$1.'],
]

const LANGUAGE = /^(opt|t5)_model\./
const TOWER = /^visual_encoder\./

export type TowerKind = 'eva' | 'clip'
/** `model_type` of transformers. */
export type LanguageKind = 'opt' | 't5'

/** By what a tower is known, in a file of its own or behind `visual_encoder.` in LAVIS' own. */
const TOWER_MARKS: Readonly<Record<TowerKind, string>> = {
  eva: 'patch_embed.proj.weight',
  clip: 'transformer.resblocks.0.attn.in_proj_weight',
}

/** Whether the tensors are those that LAVIS trains. */
export function isLavisModel(names: ReadonlySet<string>): boolean {
  return names.has('query_tokens') && names.has('Qformer.bert.embeddings.LayerNorm.weight')
}

/** Which tower the tensors have: as they are, or where `within` a whole model; undefined for none. */
export function towerKind(names: ReadonlySet<string>, within = false): TowerKind | undefined {
  const prefix = within ? 'visual_encoder.' : ''
  if (names.has(prefix + TOWER_MARKS.eva)) return 'eva'
  return names.has(prefix + TOWER_MARKS.clip) ? 'clip' : undefined
}

/** A tensor of a tower by its own name; undefined for one that no part uses (a last norm, a head). */
export function towerName(name: string, kind: TowerKind): string | undefined {
  const own = renamed(name, kind === 'eva' ? EVA : CLIP)
  return own === undefined ? undefined : `vision_model.${own}`
}

/** A tensor of LAVIS' file; undefined for what nothing uses (buffers). */
export function modelName(name: string, tower: TowerKind | undefined): string | undefined {
  if (TOWER.test(name)) return tower === undefined ? undefined : towerName(name.replace(TOWER, ''), tower)
  if (LANGUAGE.test(name)) return name.replace(LANGUAGE, 'language_model.')
  return renamed(name, MODEL)
}

/** A tensor of a language model's own files. OPT's may be saved without their outermost module, as transformers takes them. */
export function languageName(name: string, kind: LanguageKind): string {
  return kind === 'opt' && name.startsWith('decoder.')
    ? `language_model.model.${name}`
    : `language_model.${name}`
}

function renamed(name: string, rules: Rules): string | undefined {
  const rule = rules.find(([begin]) => begin.test(name))
  return rule === undefined ? undefined : name.replace(...rule)
}
