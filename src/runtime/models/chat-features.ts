/** What a model that talks knows beside its answers: a picture pooled into one vector, and the states of a text by itself. */
import { POSITION_OFFSET, pooledClass, textStates } from '../../pack/parts.ts'
import type { TalkingFamily } from '../../pack/families.ts'
import { AppError } from '../../pack/failure.ts'
import type { PackManifest } from '../../pack/manifest.ts'
import type { RunOptions } from '../ort/on-demand.ts'
import type { OnDemandSession } from '../ort/on-demand-session.ts'
import type { Runtime } from '../ort/runtime.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'
import { textRows } from '../retrieval/masks.ts'
import { byRows } from '../retrieval/text-q-former.ts'
import type { PartsOpener } from './open-parts.ts'

export interface TextStates {
  /** Layers and one more: what goes into each, and what comes out of the last norm. */
  states: number
  tokens: number
  hiddenSize: number
  /** [states, tokens, hidden] */
  values: Float32Array<ArrayBuffer>
}

/** Its graphs go over weights that other parts have, too; each is opened when it is first wanted. */
export class ChatFeatures {
  readonly #runtime: Runtime
  readonly #manifest: PackManifest<TalkingFamily>
  /** Null in packs that were made before there were such graphs. */
  readonly #pooled: OnDemandSession | null
  /** Null where the language model reads no text by itself. */
  readonly #states: OnDemandSession | null

  constructor(parts: PartsOpener<TalkingFamily>) {
    const { manifest } = parts
    const onDemand = (part: 'pooled-class' | 'text-states'): OnDemandSession | null => {
      if (!(part in manifest.parts)) return null
      const session = parts.onDemand(part, { keepOnDevice: [] })
      // Its weights are in memory a second time while it is open.
      void session.keepOpen(false, { now: false })
      return session
    }
    this.#runtime = parts.runtime
    this.#manifest = manifest
    this.#pooled = onDemand('pooled-class')
    this.#states = onDemand('text-states')
  }

  get pools(): boolean {
    return this.#pooled !== null
  }

  get readsTexts(): boolean {
    return this.#states !== null
  }

  /**
   * `features` [tokens, width] as the vision encoder gives them → [width]: transformers' `pooler_output`, which is the class
   * token behind the last norm twice. Throws `bad-pack` for a pack without that graph.
   */
  async pooledClass(features: Float32Array, options: RunOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    if (this.#pooled === null) throw this.#lacks('pools pictures')
    const { hiddenSize } = this.#manifest.parts.vision.shape
    const token = this.#runtime.tensor('float32', features.slice(0, hiddenSize), [1, hiddenSize])
    try {
      const out = await this.#pooled.run({ [pooledClass.input.classToken]: token }, options)
      return await readOnly(out, pooledClass.output.pooled)
    } finally {
      token.dispose()
    }
  }

  /** A text in ids, without a picture. Throws `bad-pack` as `pooledClass`, and `prompt-too-long`. */
  async textStates(ids: readonly number[], options: RunOptions = {}): Promise<TextStates> {
    const manifest = this.#manifest
    const part = manifest.family === 'blip2-opt' ? manifest.parts['text-states'] : undefined
    if (this.#states === null || part === undefined) throw this.#lacks('reads texts by themselves')
    const { shape } = part
    if (ids.length === 0) throw new AppError('bad-usage', 'A text is empty; give at least one token.')
    if (ids.length > shape.positions)
      throw new AppError(
        'prompt-too-long',
        `A text has ${ids.length} tokens, and this model reads at most ${shape.positions}; make it shorter.`,
      )
    const { input, output } = textStates
    // Without queries, each token sees what stands before it and itself.
    const { length, ids: tokens, mask, maskDims } = textRows([ids], 0, 'causal')
    const feeds = {
      [input.tokens]: this.#runtime.int64(tokens, [1, length]),
      [input.positions]: this.#runtime.int64(
        ids.map((_, i) => i + POSITION_OFFSET),
        [1, length],
      ),
      [input.mask]: this.#runtime.tensor('float32', mask, maskDims),
    }
    try {
      const values = await readOnly(await this.#states.run(feeds, options), output.states)
      return { states: shape.layers + 1, tokens: length, hiddenSize: shape.hiddenSize, values }
    } finally {
      disposeTensors(feeds)
    }
  }

  async dispose(): Promise<void> {
    await this.#pooled?.dispose()
    await this.#states?.dispose()
  }

  #lacks(what: string): AppError {
    return new AppError('bad-pack', `This pack has no graph that ${what}; convert its checkpoint again.`)
  }
}

async function readOnly(out: Record<string, DeviceTensor>, name: string): Promise<Float32Array<ArrayBuffer>> {
  try {
    const [values = new Float32Array()] = await byRows(out, name, 1)
    return values
  } finally {
    disposeTensors(out)
  }
}
