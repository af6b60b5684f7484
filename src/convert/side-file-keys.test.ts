/**
 * Every key of a side file that transformers 5.18 reads: changed alone, it changes what is made, is refused, is noted for
 * people to read, or has no effect there either (decision 024 says why).
 */
import { describe, expect, it } from 'vitest'
import { Altered, setting } from '../../testing/checkpoints/altered.ts'
import { openAndPlan } from './open.ts'
import { readPreprocessing } from './preprocessing.ts'
import type { AddedToken } from './tokenizer/added-tokens.ts'
import { readTokenizer } from './tokenizer/read-tokenizer.ts'

type Outcome = 'honoured' | 'refused' | 'noted' | 'without effect'
type Row = [section: string | null, key: string, value: unknown, outcome: Outcome]

/** Of any configuration: training, saving, and generation, whose settings BLIP-2's language model does not look at. */
const NO_EFFECT: [key: string, value: unknown][] = [
  ['transformers_version', '9.9'],
  ['dtype', 'float64'],
  ['torch_dtype', 'float64'],
  ['initializer_range', 9],
  ['output_attentions', true],
  ['output_hidden_states', true],
  ['return_dict', false],
  ['chunk_size_feed_forward', 2],
  ['num_beams', 4],
  ['max_length', 3],
  ['repetition_penalty', 9],
  ['no_repeat_ngram_size', 1],
  ['bad_words_ids', [[3]]],
  ['suppress_tokens', [3]],
  ['forced_eos_token_id', 3],
  ['forced_bos_token_id', 3],
  ['min_length', 9],
  ['do_sample', true],
  ['_name_or_path', 'x'],
  ['id2label', { 0: 'x' }],
  ['pruned_heads', { 0: [0] }],
  ['tokenizer', {}],
]

const rows = (section: string | null, outcome: Outcome, keys: [key: string, value: unknown][]): Row[] =>
  keys.map(([key, value]) => [section, key, value, outcome])

const CONFIG: Row[] = [
  ...rows(null, 'honoured', [['image_token_index', 7]]),
  ...rows(null, 'refused', [
    ['architectures', ['CLIPModel']],
    ['model_type', 'clip'],
    ['num_query_tokens', 7],
    ['quantization_config', {}],
    ['use_decoder_only_language_model', false],
  ]),
  ...rows(null, 'without effect', [
    ...NO_EFFECT,
    ['tokenizer_class', 'BertTokenizer'],
    ['image_text_hidden_size', 7],
    ['initializer_factor', 9],
    ['is_encoder_decoder', true],
    ['eos_token_id', 7],
    ['bos_token_id', 7],
    ['pad_token_id', 7],
    ['auto_map', { AutoModel: 'x' }],
  ]),
  ...rows('vision_config', 'honoured', [
    ['num_attention_heads', 4],
    ['num_hidden_layers', 1],
    ['layer_norm_eps', 0.5],
    ['qkv_bias', false],
  ]),
  ...rows('vision_config', 'refused', [
    ['hidden_size', 88],
    ['intermediate_size', 32],
    ['image_size', 42],
    ['patch_size', 7],
    ['hidden_act', 'relu'],
    ['num_channels', 1],
    ['image_size', [56, 42]],
    ['quantization_config', { quant_method: 'awq' }],
  ]),
  ...rows('vision_config', 'without effect', [
    ...NO_EFFECT,
    ['attention_dropout', 0.9],
    ['dropout', 0.9],
    ['projection_dim', 7],
    ['initializer_factor', 9],
  ]),
  ...rows('qformer_config', 'honoured', [
    ['num_attention_heads', 2],
    ['num_hidden_layers', 1],
    ['layer_norm_eps', 0.5],
  ]),
  ...rows('qformer_config', 'refused', [
    ['hidden_size', 44],
    ['intermediate_size', 32],
    ['cross_attention_frequency', 1],
    ['hidden_act', 'relu'],
    ['position_embedding_type', 'relative_key'],
    ['use_qformer_text_input', true],
  ]),
  ...rows('qformer_config', 'without effect', [
    ...NO_EFFECT,
    ['vocab_size', 7],
    ['hidden_dropout_prob', 0.9],
    ['attention_probs_dropout_prob', 0.9],
    ['max_position_embeddings', 7],
    ['pad_token_id', 7],
    ['encoder_hidden_size', 7],
    ['classifier_dropout', 0.9],
  ]),
  ...rows('text_config', 'honoured', [
    ['num_attention_heads', 4],
    ['num_hidden_layers', 1],
    ['bos_token_id', 7],
    ['eos_token_id', [7, 8]],
    ['pad_token_id', 7],
  ]),
  ...rows('text_config', 'refused', [
    ['vocab_size', 7],
    ['hidden_size', 80],
    ['ffn_dim', 32],
    ['max_position_embeddings', 7],
    ['do_layer_norm_before', false],
    ['_remove_final_layer_norm', true],
    ['word_embed_proj_dim', 80],
    ['activation_function', 'gelu'],
    ['enable_bias', false],
    ['layer_norm_elementwise_affine', false],
    ['tie_word_embeddings', false],
    ['eos_token_id', 99999],
    ['model_type', 'gpt2'],
  ]),
  ...rows('text_config', 'without effect', [
    ...NO_EFFECT,
    ['dropout', 0.9],
    ['attention_dropout', 0.9],
    ['activation_dropout', 0.9],
    ['layerdrop', 0.9],
    ['init_std', 9],
    ['use_cache', false],
    ['prefix', 'x'],
    ['scale_embedding', true],
  ]),
]

const PREPROCESSOR: Row[] = [
  ...rows(null, 'honoured', [
    ['do_rescale', false],
    ['do_normalize', false],
    ['rescale_factor', 0.5],
    ['image_mean', [0, 0, 0]],
    ['image_std', [1, 1, 1]],
    ['size', 42],
  ]),
  ...rows(null, 'refused', [
    ['do_resize', false],
    ['resample', 2],
    ['do_center_crop', true],
    ['do_pad', true],
    ['image_processor_type', 'SamImageProcessor'],
    ['size', { shortest_edge: 56 }],
    ['input_data_format', 'channels_last'],
    ['do_grayscale', true],
  ]),
  ...rows(null, 'without effect', [
    ['do_convert_rgb', false],
    ['crop_size', 42],
    ['pad_size', { height: 9, width: 9 }],
    ['default_to_square', false],
    ['data_format', 'channels_last'],
    ['return_tensors', 'np'],
    ['disable_grouping', true],
    ['device', 'cpu'],
    ['processor_class', 'x'],
    ['auto_map', {}],
  ]),
]

const TOKENIZER: Row[] = [
  ...rows(null, 'honoured', [['post_processor', null]]),
  ...rows(null, 'noted', [
    ['normalizer', { type: 'Lowercase' }],
    ['pre_tokenizer', { type: 'Whitespace' }],
    ['decoder', { type: 'Fuse' }],
    ['truncation', { max_length: 5 }],
    ['padding', { strategy: { Fixed: 12 } }],
  ]),
  ...rows(null, 'refused', [
    ['model', {}],
    ['model', { type: 'WordPiece', vocab: {} }],
    ['post_processor', { type: 'New' }],
  ]),
  ...rows(null, 'without effect', [
    ['version', '2.0'],
    ['added_tokens', []],
    ['padding', { strategy: 'BatchLongest' }],
  ]),
  ...rows('model', 'noted', [
    ['dropout', 0.9],
    ['ignore_merges', true],
    ['byte_fallback', true],
    ['continuing_subword_prefix', '##'],
    ['end_of_word_suffix', '</w>'],
  ]),
  ...rows('model', 'refused', [
    ['type', 'WordLevel'],
    ['vocab', []],
    ['merges', ['a b c']],
    ['merges', {}],
  ]),
  ...rows('model', 'without effect', [
    ['fuse_unk', true],
    ['unk_token', '</s>'],
  ]),
]

const TOKENIZER_CONFIG: Row[] = [
  ...rows(null, 'honoured', [
    ['add_prefix_space', true],
    ['bos_token', '<s>'],
    ['unk_token', '<s>'],
    ['added_tokens_decoder', {}],
  ]),
  ...rows(null, 'noted', [
    ['max_length', 40],
    ['truncation', true],
    ['padding', 'max_length'],
  ]),
  ...rows(null, 'refused', [
    ['tokenizer_class', 'BertTokenizer'],
    ['added_tokens_decoder', { 9: 'x', x: 'y' }],
  ]),
  ...rows(null, 'without effect', [
    ['add_bos_token', false],
    ['add_eos_token', true],
    ['model_max_length', 4],
    ['padding_side', 'left'],
    ['truncation_side', 'left'],
    ['clean_up_tokenization_spaces', true],
    ['split_special_tokens', true],
    ['errors', 'strict'],
    ['chat_template', 'x'],
    ['processor_class', 'x'],
    ['auto_map', {}],
    ['name_or_path', 'x'],
    ['special_tokens_map_file', null],
    ['remove_space', true],
    ['do_lower_case', true],
    ['legacy', true],
    ['response_template', 'x'],
  ]),
]

const OTHERS: [file: string, Row][] = [
  ...rows(null, 'without effect', [
    ['eos_token_id', 7],
    ['bos_token_id', 7],
    ['num_beams', 4],
    ['max_new_tokens', 1],
    ['repetition_penalty', 9],
    ['suppress_tokens', [3]],
    ['do_sample', true],
  ]).map((row): [string, Row] => ['generation_config.json', row]),
  ['processor_config.json', [null, 'image_processor', { image_mean: [0, 0, 0] }, 'honoured']],
  ['processor_config.json', [null, 'image_processor', 7, 'refused']],
  ['processor_config.json', [null, 'processor_class', 'x', 'without effect']],
  ['processor_config.json', [null, 'chat_template', 'x', 'without effect']],
  ['special_tokens_map.json', [null, 'eos_token', '<s>', 'without effect']],
  ['chat_template.json', [null, 'chat_template', 'x', 'without effect']],
]

const TABLE: [file: string, Row][] = [
  ...CONFIG.map((row): [string, Row] => ['config.json', row]),
  ...PREPROCESSOR.map((row): [string, Row] => ['preprocessor_config.json', row]),
  ...TOKENIZER.map((row): [string, Row] => ['tokenizer.json', row]),
  ...TOKENIZER_CONFIG.map((row): [string, Row] => ['tokenizer_config.json', row]),
  ...OTHERS,
]

interface Made {
  all: string
  remarks: readonly string[]
}

/** Everything that a conversion makes of the side files, without the weights. */
async function made({ tree }: Altered): Promise<Made> {
  const { plan, model, config } = await openAndPlan(tree, 'fp32', { compare: 'likely' })
  const preprocessing = await readPreprocessing(tree, model.imageSize)
  const { tokenizer = '', remarks } = await readTokenizer(tree, config)
  const {
    model: bpe,
    added_tokens: added,
    post_processor: frame,
    pre_tokenizer: splitter,
  } = JSON.parse(tokenizer) as Record<string, Record<string, unknown>>
  const tokens = (added as unknown as AddedToken[]).map(({ id, content, special }) => [id, content, special])
  const vocabulary = [bpe?.['vocab'], bpe?.['merges'], tokens, frame, splitter]
  const graphs = plan.graphs.map(({ bytes }) => new TextDecoder('latin1').decode(bytes))
  return { all: JSON.stringify([plan.model, plan.weights, graphs, preprocessing, vocabulary]), remarks }
}

const base = made(new Altered())

async function outcomeOf(file: string, [section, key, value]: Row): Promise<string> {
  try {
    const { all, remarks } = await made(new Altered().json(file, setting(section, key, value)))
    if (all !== (await base).all) return 'honoured'
    return remarks.length > 0 ? 'noted' : 'without effect'
  } catch (error) {
    const code = (error as { code?: unknown }).code
    return code === 'bad-checkpoint' || code === 'unsupported-model' ? 'refused' : String(error)
  }
}

describe('every key', () => {
  it.each(TABLE.map(([file, row]) => [file, row[0] ?? '', row[1], row[3], row] as const))(
    'of %s %s %s is %s',
    async (file, _section, _key, outcome, row) => {
      expect(await outcomeOf(file, row)).toBe(outcome)
    },
  )

  it('is counted', () => {
    const count = (wanted: Outcome): number =>
      TABLE.filter(([, [, , , outcome]]) => outcome === wanted).length
    expect([count('honoured'), count('refused'), count('noted'), count('without effect')]).toEqual([
      25, 50, 13, 158,
    ])
  })
})
