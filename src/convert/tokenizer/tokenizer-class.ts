/** Which class of transformers reads a tokenizer: what counts of its `tokenizer.json` depends on that. */
import { AppError } from '../../pack/failure.ts'
import { shown } from '../families/config-json.ts'
import type { Json } from '../side-files.ts'

/**
 * `byte-bpe`: `GPT2Tokenizer`, which takes vocabulary and merges and builds the rest itself. `unigram`: `T5Tokenizer`,
 * the same with pieces. `word-piece`: `BertTokenizer`, the same with words. `whole`: the file as it is.
 */
export type TokenizerKind = 'byte-bpe' | 'unigram' | 'word-piece' | 'whole'

const KINDS: Readonly<Record<string, TokenizerKind>> = {
  GPT2Tokenizer: 'byte-bpe',
  T5Tokenizer: 'unigram',
  BertTokenizer: 'word-piece',
  TokenizersBackend: 'whole',
  PreTrainedTokenizerFast: 'whole',
  PreTrainedTokenizer: 'whole',
  PythonBackend: 'whole',
}

/**
 * As `AutoTokenizer` chooses it in transformers 5.18: by `tokenizer_config.json`, then by `config.json`, and GPT-2's where
 * neither says. Throws `unsupported-model` for another class.
 */
export function tokenizerKind(config: Json, modelConfig: Json): TokenizerKind {
  const named = config['tokenizer_class'] ?? modelConfig['tokenizer_class'] ?? 'GPT2Tokenizer'
  const known = typeof named === 'string' ? (KINDS[named] ?? KINDS[named.replace(/Fast$/, '')]) : undefined
  if (known !== undefined) return known
  throw new AppError(
    'unsupported-model',
    `The tokenizer is a ${shown(named)}, which is not known; save it again as PreTrainedTokenizerFast.`,
  )
}
