/**
 * What the command line asks of a model: captions, conversations, traces. Runs in a thread of its own.
 *
 * An answer without a word is a failure (`no-words`, exit status 1) where lines are asked for, which people read: there
 * is none to print. JSON and traces are for programs; they hold the answer's ids and are complete without words, so they
 * are written and the status is 0.
 */
import type { Alpha } from '../image/raster.ts'
import { assertWrites, emptyAnswerText } from '../pack/empty-answer.ts'
import { AppError } from '../pack/failure.ts'
import { isPackOf, type PackReader } from '../pack/manifest.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import type { TracedTensor } from '../runtime/language/traced.ts'
import { outsideOf, outsideOfCaption } from '../runtime/limits/limits.ts'
import { openRetrievalModel, openTalkingModel } from '../runtime/models/models.ts'
import type { RetrievalModel } from '../runtime/models/retrieval.ts'
import { traceStages } from '../runtime/models/trace.ts'
import type { EarlierTurn } from '../runtime/talk/dialogue.ts'
import type { Answer, AnswerSoFar } from '../runtime/talk/discussion.ts'
import { decodingSettings, type DecodingFlags } from './decoding-flags.ts'
import { eachPicture } from './each-picture.ts'
import { openPackFolder } from './files.ts'
import { fromHere, outBeside } from './from-here.ts'
import { openProvider, type ProviderFlags } from './provider.ts'
import { readPixels } from './read-pixels.ts'
import { writeSafetensors } from './safetensors-file.ts'
import { sentenceOf } from './sentence.ts'

export interface PictureFlags extends ProviderFlags {
  alpha: Alpha
}

export interface AnswerFlags extends PictureFlags, DecodingFlags {
  prompt: string
}

export interface CaptionRequest {
  pack: string
  images: string[]
  flags: AnswerFlags & { json?: boolean }
}

export interface AskRequest {
  pack: string
  image: string
  flags: PictureFlags & DecodingFlags & { question: string[]; template?: string; json?: boolean }
}

export interface TraceRequest {
  pack: string
  image: string
  flags: PictureFlags & { prompt: string; maxNewTokens: number; out: string }
}

/** What a command needs of its surroundings. */
export interface Run {
  signal: AbortSignal
  /** A line of what was asked for. */
  print: (line: string) => void
  /** A line about how it went. */
  remark: (line: string) => void
}

/**
 * Captions pictures. Gives how many of several could not be, those without a word included: a line of nothing would say
 * nothing. As JSON an answer is what it is.
 */
export async function caption({ pack, images, flags }: CaptionRequest, run: Run): Promise<number> {
  const { model, captionOne: one } = await loadWriter(pack, flags, run)
  try {
    if (!flags.json) assertWrites(model.manifest)
    return await eachPicture(images, run, async (image) => {
      const result = await one(image)
      if (flags.json) run.print(JSON.stringify(result))
      else if (result.text === '') throw wordless(result.token_ids, result.finish)
      else run.print(images.length === 1 ? result.text : `${image}: ${result.text}`)
    })
  } finally {
    await model.dispose()
  }
}

interface Writer {
  model: Pick<TalkingModel, 'manifest' | 'dispose'>
  captionOne: (image: string) => Promise<CaptionResult>
}

/** A model that talks, or one of stage 1, which writes by itself where it has a head. */
async function loadWriter(pack: string, flags: AnswerFlags, run: Run): Promise<Writer> {
  const reader = await openPackFolder(fromHere(pack))
  if (!isPackOf(reader, 'blip2-itm') || reader.manifest.parts['word-head'] === undefined) {
    const model = await openTalker(reader, flags, run)
    return { model, captionOne: (image) => captionOne(model, image, flags, run) }
  }
  const model = await openRetrievalModel(reader, await openProvider(flags, run), { signal: run.signal })
  return { model, captionOne: (image) => captionAlone(model, image, flags, run) }
}

interface CaptionResult {
  image: string
  text: string
  token_ids: number[]
  finish: 'end' | 'limit'
  answers: AnswerResult[]
  /** 0 to 1, from ½ on the answer is a guess; see `outsideOfCaption`. */
  outside: number | null
  ms: { read: number; vision: number; q_former: number; prefill: number; decode: number }
}

interface AnswerResult {
  text: string
  token_ids: number[]
  score: number
}

async function captionOne(
  model: TalkingModel,
  image: string,
  flags: AnswerFlags,
  { signal }: Run,
): Promise<CaptionResult> {
  const settings = decodingSettings(flags)
  const started = performance.now()
  const pixels = await readPixels(image, model.manifest.preprocessing, flags.alpha)
  const read = performance.now()
  const { embeddings, ms } = await model.look.see(pixels)
  const discussion = model.talk.discuss({ embeddings })
  try {
    const { manifest } = model
    const picture = outsideOf(manifest, await embeddings.read())
    const seen = performance.now()
    const { prompt } = flags
    const { last, firstAt } = await finished(discussion.answer(prompt, { settings, signal }))
    const [best] = last.answers
    const outside =
      best === undefined ? picture : outsideOfCaption(manifest, picture, best, { prompt, settings })
    return captionResult(image, last, outside, {
      read: read - started,
      vision: ms.vision,
      q_former: ms.qFormer,
      prefill: firstAt - seen,
      decode: performance.now() - firstAt,
    })
  } finally {
    discussion.dispose()
  }
}

/** By a model of stage 1: its Q-Former reads the picture anew with each word, so that it has no time of its own. */
async function captionAlone(
  model: RetrievalModel,
  image: string,
  flags: AnswerFlags,
  { signal }: Run,
): Promise<CaptionResult> {
  const settings = decodingSettings(flags)
  const started = performance.now()
  const pixels = await readPixels(image, model.manifest.preprocessing, flags.alpha)
  const read = performance.now()
  const picture = await model.encode(pixels, { signal })
  try {
    const seen = performance.now()
    const { last, firstAt } = await finished(model.write(picture, flags.prompt, { settings, signal }))
    return captionResult(image, last, null, {
      read: read - started,
      vision: seen - read,
      q_former: 0,
      prefill: firstAt - seen,
      decode: performance.now() - firstAt,
    })
  } finally {
    picture.features.dispose()
  }
}

/** As JSON has it, numbers rounded. */
function captionResult(
  image: string,
  last: AnswerSoFar,
  outside: number | null,
  ms: CaptionResult['ms'],
): CaptionResult {
  return {
    image,
    text: last.text,
    token_ids: last.tokenIds,
    finish: last.finish ?? 'limit',
    answers: last.answers.map(answerResult),
    outside: outside && roundTo(1000, outside),
    ms: {
      read: round(ms.read),
      vision: round(ms.vision),
      q_former: round(ms.q_former),
      prefill: round(ms.prefill),
      decode: round(ms.decode),
    },
  }
}

/** The last state of an answer, and when its first token came. */
async function finished(answer: AsyncIterable<AnswerSoFar>): Promise<{ last: AnswerSoFar; firstAt: number }> {
  let last: AnswerSoFar | undefined
  let firstAt = performance.now()
  for await (const soFar of answer) {
    if (last === undefined) firstAt = performance.now()
    last = soFar
  }
  if (last === undefined) throw new AppError('bug', 'The answer was empty.')
  return { last, firstAt }
}

function answerResult({ text, tokenIds, score }: Answer): AnswerResult {
  return { text, token_ids: tokenIds, score }
}

/** What is said in place of an answer that has tokens and no text. */
export function wordless(tokenIds: number[], finish: 'end' | 'limit'): AppError {
  return new AppError('no-words', emptyAnswerText({ tokens: tokenIds.length, finish }))
}

/**
 * Each question is the next turn of one conversation; one that was answered without a word is no part of it. Gives how
 * many were.
 */
export async function ask({ pack, image, flags }: AskRequest, run: Run): Promise<number> {
  const settings = decodingSettings(flags)
  const model = await load(pack, flags, run)
  const seen = await model.look.see(await readPixels(image, model.manifest.preprocessing, flags.alpha))
  const discussion = model.talk.discuss(seen)
  try {
    const outside = outsideOf(model.manifest, await seen.embeddings.read())
    const turns: EarlierTurn[] = []
    let empty = 0
    for (const question of flags.question) {
      const options = { settings, signal: run.signal, template: flags.template }
      const { last } = await finished(discussion.ask(turns, question, options))
      const { prompt, text, tokenIds, answers, prefilled, dropped, finish } = last
      if (text !== '') turns.push({ question, answer: text })
      const report = {
        question,
        prompt,
        ids: tokenIds,
        text,
        scores: answers.map(({ score }) => score),
        answers: answers.map(answerResult),
        outside: outside && roundTo(1000, outside),
        tokens_prefilled: prefilled,
        turns_dropped: dropped,
      }
      if (flags.json === true) run.print(JSON.stringify(report))
      else if (text !== '') run.print(text)
      else {
        empty += 1
        run.remark(sentenceOf(wordless(tokenIds, finish ?? 'limit'), question))
      }
      if (dropped > 0 && flags.json !== true)
        run.remark(`pictalk: the ${dropped} oldest turns no longer fit and were left out.`)
    }
    return empty
  } finally {
    discussion.dispose()
    await model.dispose()
  }
}

/** Writes every stage of one picture as safetensors, with the prompt's ids (in the model's own form) and the answer's. */
export async function trace({ pack, image, flags }: TraceRequest, run: Run): Promise<void> {
  const out = await outBeside(flags.out, [image])
  const model = await load(pack, flags, run)
  const pixels = await readPixels(image, model.manifest.preprocessing, flags.alpha)
  const { prompt, maxNewTokens } = flags
  const seen = await model.look.see(pixels)
  const answer = model.talk.answer(seen, { prompt, maxNewTokens, signal: run.signal })
  const { tokenIds } = (await finished(answer)).last
  const promptIds = model.talk.promptIds(flags.prompt)
  await writeSafetensors(out, [
    ...(await traceStages(model, pixels, promptIds, tokenIds)),
    idTensor('prompt_ids', promptIds),
    idTensor('token_ids', tokenIds),
  ])
  await model.dispose()
}

function idTensor(name: string, ids: readonly number[]): TracedTensor {
  return { name, shape: [ids.length], values: BigInt64Array.from(ids, BigInt) }
}

export async function load(pack: string, flags: ProviderFlags, run: Run): Promise<TalkingModel> {
  return openTalker(await openPackFolder(fromHere(pack)), flags, run)
}

async function openTalker(reader: PackReader, flags: ProviderFlags, run: Run): Promise<TalkingModel> {
  const { kernels = 'never' } = flags
  return openTalkingModel(reader, await openProvider(flags, run), { kernels, signal: run.signal })
}

function round(ms: number): number {
  return roundTo(10, ms)
}

function roundTo(parts: number, value: number): number {
  return Math.round(value * parts) / parts
}
