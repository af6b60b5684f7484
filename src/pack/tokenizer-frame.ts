/** What a tokenizer puts around a text, as the post-processor of its `tokenizer.json` says (tokenizers 0.22). */
import { AppError } from './failure.ts'
import { isRecord } from './json.ts'

/** Ids in front of those of a text, and behind them. */
export interface Frame {
  before: readonly number[]
  after: readonly number[]
}

const NOTHING: Frame = { before: [], after: [] }

/**
 * The frame of one text; null where there is no post-processor, so that the model's own form stands. Throws
 * `unsupported-model` for one that does not put a text between ids.
 */
export function frameOf(postProcessor: unknown): Frame | null {
  if (postProcessor === null || postProcessor === undefined) return null
  if (!isRecord(postProcessor)) throw unknown(postProcessor)
  switch (postProcessor['type']) {
    case 'ByteLevel':
      return NOTHING
    case 'TemplateProcessing':
      return ofTemplate(postProcessor)
    case 'RobertaProcessing':
    case 'BertProcessing':
      return { before: [namedId(postProcessor['cls'])], after: [namedId(postProcessor['sep'])] }
    case 'Sequence':
      return ofSequence(postProcessor['processors'])
    default:
      throw unknown(postProcessor['type'])
  }
}

function ofTemplate({ single, special_tokens: ids }: Record<string, unknown>): Frame {
  const pieces: unknown[] = Array.isArray(single) ? single : []
  const text = pieces.findIndex((piece) => isRecord(piece) && 'Sequence' in piece)
  if (text < 0 || !isRecord(ids)) throw unknown('TemplateProcessing')
  const idsOf = (piece: unknown): number[] => {
    const token = isRecord(piece) ? piece['SpecialToken'] : undefined
    const named = isRecord(token) && typeof token['id'] === 'string' ? ids[token['id']] : undefined
    const list = isRecord(named) ? named['ids'] : undefined
    if (!Array.isArray(list) || !list.every(isId)) throw unknown('TemplateProcessing')
    return list
  }
  return {
    before: pieces.slice(0, text).flatMap(idsOf),
    after: pieces.slice(text + 1).flatMap(idsOf),
  }
}

function ofSequence(processors: unknown): Frame {
  if (!Array.isArray(processors)) throw unknown('Sequence')
  // Each puts its ids around what the one before made.
  return processors.reduce<Frame>((inner, processor) => {
    const outer = frameOf(processor) ?? NOTHING
    return { before: [...outer.before, ...inner.before], after: [...inner.after, ...outer.after] }
  }, NOTHING)
}

/** Of `["</s>", 2]`. */
function namedId(pair: unknown): number {
  const id: unknown = Array.isArray(pair) ? pair[1] : undefined
  if (!isId(id)) throw unknown('RobertaProcessing')
  return id
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function unknown(what: unknown): AppError {
  const name = typeof what === 'string' ? what.slice(0, 60) : 'of no known kind'
  return new AppError(
    'unsupported-model',
    `The post-processor of tokenizer.json (${name}) is not known; save the tokenizer again with a template.`,
  )
}
