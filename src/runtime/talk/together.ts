/**
 * Answers to prompts about several pictures, written together: rows of one batch, so that weights are read once for all
 * of them. Each is what it is by itself. A row that ends makes room for the next picture at once.
 */
import type { DecodingSettings } from '../../pack/decoding.ts'
import { AppError, orCancelled, throwIfCancelled, toFailure } from '../../pack/failure.ts'
import { Chosen } from '../decode/chosen.ts'
import { isPlainGreedy } from '../decode/generate.ts'
import type { TokenRules } from '../decode/word-rules.ts'
import { allWanted } from '../decode/top-wanted.ts'
import type {
  Batch,
  BatchNeed,
  BatchRow,
  LanguageModel,
  Next,
  RowsWanted,
  Wanted,
} from '../language/language-model.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import {
  askedRules,
  Discussion,
  fittingSettings,
  type AnswerOptions,
  type AnswerSoFar,
  type Voice,
} from './discussion.ts'
import { pauses } from './pauses.ts'

export interface TogetherOptions extends AnswerOptions {
  /** Told after each token. */
  report?: ((soFar: AnswerSoFar) => void) | undefined
}

/** An answer that was asked for. */
interface Asked {
  queries: Promise<DeviceTensor>
  prompt: string
  ids: number[]
  settings: DecodingSettings
  options: TogetherOptions
  need: BatchNeed
  rules: TokenRules | undefined
  chosen: Chosen
  resolve: (last: AnswerSoFar) => void
  reject: (error: unknown) => void
}

/** One that is being written. */
interface Written {
  asked: Asked
  row: BatchRow
  prefilled: number
}

export class Together {
  readonly #language: LanguageModel
  readonly #voice: Voice
  /** In the order of asking. */
  #waiting: Asked[] = []
  #written: Written[] = []
  #batch: Batch | null = null
  #working = false

  constructor(language: LanguageModel, voice: Voice) {
    this.#language = language
    this.#voice = voice
  }

  /**
   * The whole answer to a prompt about a picture whose query embeddings are there or are being made; takes them over.
   * May be called while others are under way, and is worth most when as many are as a batch has rows (`MOST_ROWS`).
   * What no batch can take (beams, several answers, a model or memory that has no room for rows) is answered by itself
   * when its turn comes. Rejects as `Discussion.answer` does.
   */
  async answer(
    queries: Promise<DeviceTensor>,
    prompt: string,
    options: TogetherOptions,
  ): Promise<AnswerSoFar> {
    const known = this.#known(prompt, options)
    if ('error' in known) {
      disposeWhenThere(queries)
      throw known.error
    }
    // It may fail before anybody waits for it.
    queries.catch(() => undefined)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...known, queries, prompt, options, resolve, reject })
      if (!this.#working) void this.#work()
    })
  }

  /** What is known of an answer before its picture is. */
  #known(
    prompt: string,
    options: TogetherOptions,
  ): Pick<Asked, 'ids' | 'settings' | 'need' | 'rules' | 'chosen'> | { error: unknown } {
    try {
      const ids = this.#voice.promptIds(prompt)
      const settings = fittingSettings(options.settings, ids, this.#voice)
      const need = { promptTokens: ids.length, newTokens: settings.maxNewTokens }
      const rules = options.rules ?? askedRules(settings, prompt, this.#voice)
      const context = { countedIds: this.#voice.countedIds(ids), eosIds: this.#voice.eosIds(), rules }
      return { ids, settings, need, rules, chosen: new Chosen(settings, context, context.countedIds) }
    } catch (error) {
      return { error }
    }
  }

  /** Until nothing is left to do. */
  async #work(): Promise<void> {
    this.#working = true
    const pause = pauses()
    while (this.#waiting.length > 0 || this.#written.length > 0) {
      this.#leaveCancelled()
      await this.#fill()
      await this.#step()
      await pause()
    }
    this.#working = false
  }

  #leaveCancelled(): void {
    for (const written of this.#written) {
      const { signal } = written.asked.options
      if (signal?.aborted === true) this.#fail(written, new AppError('cancelled', 'Stopped.'))
    }
    const left = this.#waiting.filter(({ options: { signal } }) => signal?.aborted === true)
    this.#waiting = this.#waiting.filter((asked) => !left.includes(asked))
    this.#closeBehindLast()
    for (const { queries, reject } of left) {
      disposeWhenThere(queries)
      reject(new AppError('cancelled', 'Stopped.'))
    }
  }

  /** Begins answers while there are rows for them. A picture that is still looked at is waited for: its row would idle. */
  async #fill(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const batch = await this.#batchFor(next).catch((error: unknown) => ({ error }))
      if (batch === 'later') return
      this.#waiting.shift()
      if (batch === null) await this.#alone(next)
      else if ('error' in batch) {
        disposeWhenThere(next.queries)
        next.reject(batch.error)
      } else await this.#begin(batch, next)
    }
  }

  /** Where an answer has a row; null where it is to be written by itself, which comes behind the rows there are. */
  async #batchFor(asked: Asked): Promise<Batch | 'later' | null> {
    const { settings, need } = asked
    const isRow = settings.beams === 1 && settings.answers === 1
    const batch = this.#batch
    if (isRow && batch?.takes(need) === true) return this.#written.length < batch.rows ? batch : 'later'
    if (this.#written.length > 0) return 'later'
    this.#closeBatch()
    if (!isRow) return null
    // Meanwhile others are asked for, and the batch is made for as many.
    await lookedAt(asked)
    try {
      this.#batch = await this.#language.openBatch(this.#waiting.length, need)
    } catch (error) {
      // Alone it needs less.
      if (toFailure(error).code !== 'out-of-memory') throw error
    }
    return this.#batch
  }

  async #begin(batch: Batch, asked: Asked): Promise<void> {
    try {
      const queries = await takenUnlessCancelled(asked)
      const { row, next, ran } = await batch.begin(queries, asked.ids, wantedOf(asked))
      const written = { asked, row, prefilled: ran }
      this.#written.push(written)
      this.#take(written, next)
    } catch (error) {
      this.#closeBehindLast()
      asked.reject(error)
    }
  }

  async #alone(asked: Asked): Promise<void> {
    const { prompt, settings, rules, options, resolve, reject } = asked
    try {
      const sequence = this.#language.start(await takenUnlessCancelled(asked))
      const discussion = new Discussion(sequence, this.#voice)
      try {
        let last: AnswerSoFar | undefined
        for await (const soFar of discussion.answer(prompt, { ...options, settings, rules })) {
          options.report?.(soFar)
          last = soFar
        }
        if (last === undefined) throw new AppError('bug', 'The answer was empty.')
        resolve(last)
      } finally {
        discussion.dispose()
      }
    } catch (error) {
      reject(error)
    }
  }

  async #step(): Promise<void> {
    const [batch, written] = [this.#batch, this.#written]
    if (batch === null || written.length === 0) return
    try {
      const tokens = written.map(({ row, asked }) => ({ row, token: asked.chosen.tokens.at(-1) ?? 0 }))
      const next = await batch.step(tokens, wantedBy(written.map(({ asked }) => asked)))
      written.forEach((one, i) => {
        const of = next[i]
        if (of instanceof AppError) this.#fail(one, of)
        else if (of !== undefined) this.#take(one, of)
      })
    } catch (error) {
      // What is in the cache is unknown.
      for (const one of this.#written) one.asked.reject(error)
      this.#written = []
      this.#closeBatch()
    }
  }

  /** An answer's next token. */
  #take(written: Written, next: Next): void {
    const { asked } = written
    const { chosen } = asked
    try {
      if ('logits' in next) chosen.choose(next)
      else chosen.take(next)
      const soFar = this.#soFar(written)
      asked.options.report?.(soFar)
      if (!chosen.finished) return
      this.#end(written)
      asked.resolve(soFar)
    } catch (error) {
      this.#fail(written, error)
    }
  }

  #soFar({ asked: { prompt, chosen }, prefilled }: Written): AnswerSoFar {
    const { tokens, score, ended } = chosen.hypothesis()
    const text = this.#voice.decode(tokens)
    const finish = ended ? 'end' : 'limit'
    const answers = chosen.finished ? [{ tokenIds: tokens, text, score, finish } as const] : []
    return {
      prompt: prompt.trimEnd(),
      tokenIds: tokens,
      text,
      finish: chosen.finished ? finish : null,
      prefilled,
      dropped: 0,
      answers,
    }
  }

  #fail(written: Written, error: unknown): void {
    this.#end(written)
    written.asked.reject(error)
  }

  #end(written: Written): void {
    this.#batch?.end(written.row)
    this.#written = this.#written.filter((other) => other !== written)
    this.#closeBehindLast()
  }

  /** Before anybody hears of the last answer: who does may let go of the model. */
  #closeBehindLast(): void {
    if (this.#written.length + this.#waiting.length === 0) this.#closeBatch()
  }

  #closeBatch(): void {
    this.#batch?.dispose()
    this.#batch = null
  }
}

/** Whether the likeliest token is all that an answer asks for. */
function choiceIsEnough({ settings, rules }: Asked): boolean {
  return isPlainGreedy(settings) && rules === undefined
}

/** As little of what comes next as will do for an answer. */
function wantedOf(asked: Asked): Wanted {
  return choiceIsEnough(asked) ? 'choice' : (asked.chosen.wanted() ?? 'logits')
}

/** The same for several at once: only choices where nothing but the likeliest token is asked for by any. */
function wantedBy(asked: readonly Asked[]): RowsWanted {
  if (asked.every(choiceIsEnough)) return 'choice'
  return allWanted(asked.map(({ chosen }) => chosen.wanted())) ?? 'logits'
}

/** A picture's query embeddings. Who no longer wants them leaves them to be disposed when they come. */
async function takenUnlessCancelled({ queries, options: { signal } }: Asked): Promise<DeviceTensor> {
  try {
    throwIfCancelled(signal)
    return await (signal === undefined ? queries : orCancelled(queries, signal))
  } catch (error) {
    disposeWhenThere(queries)
    throw error
  }
}

/** Settles when its picture was looked at, could not be, or is no longer wanted. */
async function lookedAt({ queries, options: { signal } }: Asked): Promise<void> {
  await (signal === undefined ? queries : orCancelled(queries, signal)).catch(() => undefined)
}

function disposeWhenThere(queries: Promise<DeviceTensor>): void {
  queries.then(
    (tensor) => tensor.dispose(),
    () => undefined,
  )
}
