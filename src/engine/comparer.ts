/**
 * The model of stage 1 beside the one that talks, in a thread and on a device of its own: neither takes the other along
 * when its device goes away. It is opened when a call needs it. Calls take turns; what can wait (an index in the
 * making) lets others pass between two pictures.
 */
import type { Provider } from '../pack/device-report.ts'
import { AppError, orCancelled, throwIfCancelled, toFailure } from '../pack/failure.ts'
import { isPackOf, lookKey, type PackReader } from '../pack/manifest.ts'
import type {
  CompareCalls,
  ComparingChoice,
  ComparingModel,
  ComparingReport,
} from '../protocol/compare-calls.ts'
import type { PackPlace } from '../protocol/engine-calls.ts'
import type { Handlers } from '../protocol/rpc.ts'
import type { Compute } from '../runtime/device/compute.ts'
import type { RetrievalModel } from '../runtime/models/retrieval.ts'
import type { AttentionMaps } from '../runtime/retrieval/attention-maps.ts'
import { labelShares, labelTexts } from '../runtime/retrieval/labels.ts'
import { gridOf, patchMaps, pointingMaps } from '../runtime/retrieval/pointing.ts'
import { cosines } from '../runtime/retrieval/scores.ts'
import type { EncodedPicture } from '../runtime/retrieval/text-q-former.ts'
import type { AnswerSoFar } from '../runtime/talk/discussion.ts'
import { OpenedComparer, type ComparerOpening, type ReportCompare } from './opened-comparer.ts'
import { WorkTurns } from './work-turns.ts'

export interface ComparerParts extends Pick<ComparerOpening, 'readPicture'> {
  openPack: (place: PackPlace, options: { signal: AbortSignal }) => Promise<PackReader>
  openCompute: (prefer: Provider | null) => Promise<Compute>
  /** How long a model that does not fit beside the other stays open behind its last call, in milliseconds. */
  lingerMs?: number | undefined
}

interface Chosen extends ComparingChoice {
  reader: PackReader<'blip2-itm'>
}

type Handler<K extends keyof CompareCalls> = Handlers<CompareCalls>[K]

interface WorkOptions {
  report: ReportCompare
  signal: AbortSignal
  canWait?: boolean
  /** Its picture was looked at elsewhere, so that the vision encoder may never be wanted. */
  visionLater?: boolean
}

/** Long enough for one question after the other, short enough for an answer that needs the memory. */
const LINGER_MS = 10_000

export class Comparer implements Handlers<CompareCalls> {
  readonly #parts: ComparerParts
  readonly #turns = new WorkTurns()
  #chosen: Chosen | null = null
  #opened: OpenedComparer | null = null
  #linger: ReturnType<typeof setTimeout> | undefined

  constructor(parts: ComparerParts) {
    this.#parts = parts
  }

  readonly choose: Handler<'choose'> = (choice, _report, signal) =>
    this.#turns.take(() => this.#choose(choice, signal), { signal })

  readonly open: Handler<'open'> = (_, report, signal) =>
    this.work((opened) => Promise.resolve<ComparingReport>(opened.report), { report, signal })

  readonly match: Handler<'match'> = ({ picture, texts }, report, signal) =>
    this.#seeing(picture, report, signal, (model, seen) => model.match(seen, texts, { signal }))

  readonly imageFeatures: Handler<'imageFeatures'> = ({ picture }, report, signal) =>
    this.#seeing(picture, report, signal, (model, seen) => model.imageFeatures(seen))

  readonly textFeatures: Handler<'textFeatures'> = ({ texts }, report, signal) =>
    this.work(({ model }) => model.textFeatures(texts, { signal }), { report, signal })

  readonly multimodalFeatures: Handler<'multimodalFeatures'> = ({ picture, texts }, report, signal) =>
    this.#seeing(picture, report, signal, (model, seen) => model.multimodalFeatures(seen, texts, { signal }))

  readonly classify: Handler<'classify'> = ({ picture, labels, template, ...rest }, report, signal) =>
    this.#seeing(picture, report, signal, async (model, seen) => {
      const { temperature = model.temperature } = rest
      const texts = labelTexts(template, labels)
      const features = await model.textFeatures(texts, { signal })
      const read = features.map(({ vector }, i) => ({ text: texts[i] ?? '', vector }))
      const { vectors } = await model.imageFeatures(seen)
      return { temperature, labels: labelShares(vectors, labels, read, temperature) }
    })

  readonly write: Handler<'write'> = ({ picture, prompt, settings }, report, signal) =>
    this.#seeing(picture, report, signal, async (model, seen) => {
      let last: AnswerSoFar | null = null
      for await (const soFar of model.write(seen, prompt, { settings, signal })) {
        report({ stage: 'writing', text: soFar.text })
        last = soFar
      }
      if (last === null) throw new AppError('bug', 'Nothing was written.')
      return last.answers
    })

  readonly attend: Handler<'attend'> = ({ picture, text }, report, signal) =>
    this.#seeing(picture, report, signal, (model, seen) => model.attention(seen, text))

  readonly inside: Handler<'inside'> = ({ picture, text }, report, signal) =>
    this.#seeing(picture, report, signal, async (model, seen) => {
      const read = await model.textFeatures([text], { signal })
      const { vectors } = await model.imageFeatures(seen)
      const [pair] = await model.match(seen, [text], { signal, read, vectors })
      const [words] = read
      if (pair === undefined || words === undefined) throw new AppError('bug', 'Nothing was compared.')
      const alone = await model.attention(seen, null)
      return {
        ...pair,
        likeness: cosines(vectors, words.vector),
        layers: alone.layers,
        queries: alone.queries,
        grid: gridOf(alone),
        alone: patchMaps(alone),
        withText: patchMaps(await model.attention(seen, text)),
      }
    })

  readonly point: Handler<'point'> = ({ picture, words }, report, signal) =>
    this.#seeing(picture, report, signal, async (model, seen) => {
      const alone = await model.attention(seen, null)
      const maps: AttentionMaps[] = []
      for (const word of words) {
        throwIfCancelled(signal)
        maps.push(await model.attention(seen, word))
      }
      return { grid: gridOf(alone), maps: pointingMaps(maps, alone) }
    })

  readonly release: Handler<'release'> = () =>
    this.#turns.take(async () => {
      await this.#close()
      return null
    })

  readonly ping: Handler<'ping'> = () => Promise.resolve(null)

  /** For a thread that serves others besides. */
  get calls(): Handlers<CompareCalls> {
    const { choose, open, match, imageFeatures, textFeatures, multimodalFeatures, classify, attend } = this
    const { write, inside } = this
    const { point, release, ping } = this
    return {
      ...{ choose, open, match, imageFeatures, textFeatures, multimodalFeatures, classify, attend },
      ...{ write, inside, point, release, ping },
    }
  }

  /** Throws `not-found` while none is chosen. */
  get chosen(): ComparingModel {
    const { manifest } = this.#required().reader
    return { manifest, key: lookKey(manifest) }
  }

  /**
   * Does `use` with the open model when its turn has come. When the graphics device went away meanwhile, the model is
   * opened again and `use` done anew, once.
   */
  async work<T>(
    use: (opened: OpenedComparer) => Promise<T>,
    { report, signal, canWait = false, visionLater = false }: WorkOptions,
  ): Promise<T> {
    const once = async (): Promise<T> => use(await this.#open(report, signal, visionLater))
    const turn = this.#turns.take(
      async () => {
        clearTimeout(this.#linger)
        try {
          return await once()
        } catch (error) {
          if (toFailure(error).code !== 'device-lost') throw error
          await this.#close()
          return await once()
        } finally {
          this.#closeSoon()
        }
      },
      { canWait, signal },
    )
    return orCancelled(turn, signal)
  }

  #seeing<T>(
    picture: Parameters<OpenedComparer['see']>[0],
    report: ReportCompare,
    signal: AbortSignal,
    use: (model: RetrievalModel, seen: EncodedPicture) => Promise<T>,
  ): Promise<T> {
    return this.work(async (opened) => use(opened.model, await opened.see(picture, report, signal)), {
      report,
      signal,
      visionLater: picture.states !== undefined,
    })
  }

  async #choose(choice: ComparingChoice | null, signal: AbortSignal): Promise<ComparingModel | null> {
    const before = this.#chosen
    if (choice !== null && before !== null && isSamePlace(choice.pack, before.pack)) {
      // Read anew it would want its server, which may be out of reach by now.
      if (choice.prefer !== before.prefer) await this.#close()
      this.#chosen = { ...choice, reader: before.reader }
      this.#opened?.standBeside(choice.besideBytes)
      this.#closeSoon()
      return this.chosen
    }
    await this.#close()
    this.#chosen = null
    if (choice === null) return null
    const reader = await this.#parts.openPack(choice.pack, { signal })
    if (!isPackOf(reader, 'blip2-itm'))
      throw new AppError(
        'unsupported-model',
        `${reader.manifest.name} compares nothing; choose a model that compares pictures with texts.`,
      )
    this.#chosen = { ...choice, reader }
    return this.chosen
  }

  #required(): Chosen {
    if (this.#chosen !== null) return this.#chosen
    throw new AppError('not-found', 'No model that compares pictures with texts is chosen; choose one.')
  }

  async #open(report: ReportCompare, signal: AbortSignal, visionLater: boolean): Promise<OpenedComparer> {
    if (this.#opened !== null) return this.#opened
    const { reader: pack, prefer, besideBytes } = this.#required()
    const { openCompute, readPicture } = this.#parts
    const opening = { pack, prefer, besideBytes, visionLater, openCompute, readPicture }
    this.#opened = await OpenedComparer.open(opening, report, signal)
    return this.#opened
  }

  /** What fits beside the other model stays; the rest goes a while after its last call. */
  #closeSoon(): void {
    clearTimeout(this.#linger)
    if (this.#opened === null || this.#opened.report.staysOpen) return
    const close = (): void => void this.#turns.take(() => this.#close())
    this.#linger = setTimeout(close, this.#parts.lingerMs ?? LINGER_MS)
  }

  async #close(): Promise<void> {
    clearTimeout(this.#linger)
    const opened = this.#opened
    this.#opened = null
    // A device that is gone may refuse even this.
    await opened?.close().catch(() => undefined)
  }
}

function isSamePlace(one: PackPlace, other: PackPlace): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
