/** Runs the Q-Former of stage 1 on pictures and texts, and the look into it. */
import { AppError } from '../../pack/failure.ts'
import { crossAttention, textQFormer as treaty, wordHead } from '../../pack/parts.ts'
import type { Sees } from '../../pack/sees.ts'
import type { TextQFormerShape } from '../../pack/shapes.ts'
import type { RunOptions } from '../ort/on-demand.ts'
import type { OnDemandSession } from '../ort/on-demand-session.ts'
import type { Runtime } from '../ort/runtime.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'
import { textRows } from './masks.ts'

/** What came out for each row of a run, float32, in order. Rows of text are as long as the longest of them. */
export interface RowsOut {
  length: number
  /** Each [Q, hidden] */
  queryOutput: Float32Array<ArrayBuffer>[]
  /** Each [Q, d] */
  imageVectors: Float32Array<ArrayBuffer>[]
  /** Each [length, hidden] */
  text: Float32Array<ArrayBuffer>[]
  /** Each [length, d] */
  textVectors: Float32Array<ArrayBuffer>[]
  /** Each [2] */
  match: Float32Array<ArrayBuffer>[]
}

/** A picture as the vision encoder gives it: float32 [1, tokens, width] on the device. Dispose it. */
export interface EncodedPicture {
  features: DeviceTensor
}

/** A token that nobody sees: no tensor may be empty. */
export const NO_TEXT: readonly number[] = [0]

/** Throws `bug` for a row that is not there. */
export function rowAt(rows: readonly Float32Array<ArrayBuffer>[], row: number): Float32Array<ArrayBuffer> {
  const values = rows[row]
  if (values === undefined) throw new AppError('bug', 'A row of the Q-Former is missing.')
  return values
}

/** A row: which of the pictures its queries look at, and its text in ids. */
export interface Row {
  picture: number
  ids: readonly number[]
}

export class TextQFormer {
  readonly shape: TextQFormerShape
  readonly #runtime: Runtime
  readonly #session: OnDemandSession
  readonly #lookInside: OnDemandSession
  /** Null where the model does not write. */
  readonly #wordHead: OnDemandSession | null
  readonly #visionWidth: number

  /** `visionWidth`: hidden size of the vision encoder. */
  constructor(
    runtime: Runtime,
    sessions: { session: OnDemandSession; lookInside: OnDemandSession; wordHead: OnDemandSession | null },
    shape: TextQFormerShape,
    visionWidth: number,
  ) {
    this.#runtime = runtime
    this.#session = sessions.session
    this.#lookInside = sessions.lookInside
    this.#wordHead = sessions.wordHead
    this.shape = shape
    this.#visionWidth = visionWidth
  }

  /** `features` [N, tokens, width]; they stay the caller's. */
  async run(
    features: DeviceTensor,
    rows: readonly Row[],
    sees: Sees,
    options: RunOptions = {},
  ): Promise<RowsOut> {
    return this.#fed(features, rows, sees, async (feeds, length) => {
      const out = await this.#session.run(feeds, options)
      try {
        const read = (name: string): Promise<Float32Array<ArrayBuffer>[]> => byRows(out, name, rows.length)
        const { queries, imageVectors, text, textVectors, match } = treaty.output
        return {
          length,
          queryOutput: await read(queries),
          imageVectors: await read(imageVectors),
          text: await read(text),
          textVectors: await read(textVectors),
          match: await read(match),
        }
      } finally {
        disposeTensors(out)
      }
    })
  }

  /** Texts by themselves: their queries look at a picture of one token, and nothing sees them. */
  async read(texts: readonly (readonly number[])[], options: RunOptions = {}): Promise<RowsOut> {
    const nothing = this.#runtime.tensor('float32', new Float32Array(this.#visionWidth), [
      1,
      1,
      this.#visionWidth,
    ])
    try {
      const rows = texts.map((ids) => ({ picture: 0, ids }))
      return await this.run(nothing, rows, 'apart', options)
    } finally {
      nothing.dispose()
    }
  }

  /** Probabilities of each layer that looks at the picture, each float32 [heads, Q, image tokens]. */
  async attention(
    features: DeviceTensor,
    row: Row,
    sees: Sees,
    options: RunOptions = {},
  ): Promise<Float32Array<ArrayBuffer>[]> {
    return this.#fed(features, [row], sees, async (feeds) => {
      const out = await this.#lookInside.run(feeds, options)
      try {
        const layers: Float32Array<ArrayBuffer>[] = []
        for (let i = 0; i < Object.keys(out).length; i += 1)
          layers.push(...(await byRows(out, crossAttention.output(i), 1)))
        return layers
      } finally {
        disposeTensors(out)
      }
    })
  }

  /** Logits [vocabulary] of what may follow each of the texts, all of one length, behind the queries of one picture. */
  async nextWords(
    features: DeviceTensor,
    texts: readonly (readonly number[])[],
    options: RunOptions = {},
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const rows = texts.map((ids) => ({ picture: 0, ids }))
    const { text } = await this.run(features, rows, 'causal', options)
    return this.#words(
      text.map((own) => own.subarray(-this.shape.hiddenSize)),
      options,
    )
  }

  /** The same behind each token of one text. */
  async eachNextWord(
    features: DeviceTensor,
    ids: readonly number[],
    options: RunOptions = {},
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const { text } = await this.run(features, [{ picture: 0, ids }], 'causal', options)
    const { hiddenSize } = this.shape
    const [own = new Float32Array()] = text
    return this.#words(
      ids.map((_, i) => own.subarray(i * hiddenSize, (i + 1) * hiddenSize)),
      options,
    )
  }

  /** What rows of text, each [hidden], say comes next: logits [vocabulary] of each. */
  async #words(rows: readonly Float32Array[], options: RunOptions): Promise<Float32Array<ArrayBuffer>[]> {
    if (this.#wordHead === null) throw new AppError('bug', 'This model has no head to write with.')
    const { hiddenSize } = this.shape
    const values = new Float32Array(rows.length * hiddenSize)
    rows.forEach((row, i) => values.set(row, i * hiddenSize))
    const text = this.#runtime.tensor('float32', values, [1, rows.length, hiddenSize])
    try {
      const out = await this.#wordHead.run({ [wordHead.input.text]: text }, options)
      try {
        return await byRows(out, wordHead.output.logits, rows.length)
      } finally {
        disposeTensors(out)
      }
    } finally {
      text.dispose()
    }
  }

  async #fed<T>(
    features: DeviceTensor,
    rows: readonly Row[],
    sees: Sees,
    run: (feeds: Record<string, DeviceTensor>, length: number) => Promise<T>,
  ): Promise<T> {
    const texts = rows.map(({ ids }) => ids)
    const { length, ids, mask, maskDims } = textRows(texts, this.shape.queries, sees)
    const { input } = treaty
    const made = {
      [input.pictures]: this.#runtime.int64(rows.map(({ picture }) => picture)),
      [input.tokens]: this.#runtime.int64(ids, [rows.length, length]),
      [input.mask]: this.#runtime.tensor('float32', mask, maskDims),
    }
    try {
      return await run({ ...made, [input.features]: features }, length)
    } finally {
      disposeTensors(made)
    }
  }

  async dispose(): Promise<void> {
    await this.#session.dispose()
    await this.#lookInside.dispose()
    await this.#wordHead?.dispose()
  }
}

/** The values of an output, cut by its first dimension. */
export async function byRows(
  out: Record<string, DeviceTensor>,
  name: string,
  rows: number,
): Promise<Float32Array<ArrayBuffer>[]> {
  const values = await out[name]?.read()
  if (values === undefined) throw new AppError('bug', `The graph returned no ${name}.`)
  const size = values.length / rows
  return Array.from({ length: rows }, (_, row) => values.slice(row * size, (row + 1) * size))
}
