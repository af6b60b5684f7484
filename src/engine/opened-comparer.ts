/** The model that compares, while it is open: its device, and the pictures that it saw last. */
import type { PictureRead } from '../image/read-picture.ts'
import { memoryOf } from '../pack/device-memory.ts'
import type { Provider } from '../pack/device-report.ts'
import { throwIfCancelled } from '../pack/failure.ts'
import type { PackReader, Preprocessing } from '../pack/manifest.ts'
import { budgetFor } from '../pack/memory-budget.ts'
import { needsOf } from '../pack/model-needs.ts'
import type { ComparedPicture, CompareProgress, ComparingReport } from '../protocol/compare-calls.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { unlessLost } from '../runtime/device/loss.ts'
import { openRetrievalModel } from '../runtime/models/models.ts'
import type { RetrievalModel } from '../runtime/models/retrieval.ts'
import type { EncodedPicture } from '../runtime/retrieval/text-q-former.ts'

export interface ComparerOpening {
  pack: PackReader
  prefer: Provider | null
  besideBytes: number
  /** See `RetrievalOptions`. */
  visionLater?: boolean | undefined
  openCompute: (prefer: Provider | null) => Promise<Compute>
  readPicture: (image: Blob, preprocessing: Preprocessing) => Promise<PictureRead>
}

export type ReportCompare = (event: CompareProgress) => void

/** Pictures whose features stay on the device, so that matching, maps and scores of one picture look once: 1.5 MB each. */
const MOST_SEEN = 2

export class OpenedComparer {
  readonly model: RetrievalModel
  readonly #compute: Compute
  readonly #readPicture: ComparerOpening['readPicture']
  #staysOpen: boolean
  /** By id, the latest last. */
  readonly #seen = new Map<string, EncodedPicture>()

  private constructor(model: RetrievalModel, compute: Compute, opening: ComparerOpening) {
    this.model = model
    this.#compute = compute
    this.#readPicture = opening.readPicture
    this.#staysOpen = this.#fitsBeside(opening.besideBytes)
  }

  /** What was opened is closed again when it fails or is cancelled. */
  static async open(
    opening: ComparerOpening,
    report: ReportCompare,
    signal: AbortSignal,
  ): Promise<OpenedComparer> {
    const compute = await opening.openCompute(opening.prefer)
    try {
      throwIfCancelled(signal)
      const onProgress = (_: unknown, done: number, total: number): void =>
        report({ stage: 'opening', done, total })
      const model = await unlessLost(
        compute,
        openRetrievalModel(opening.pack, compute, { signal, onProgress, visionLater: opening.visionLater }),
      )
      return new OpenedComparer(model, compute, opening)
    } catch (error) {
      compute.device?.destroy()
      throw error
    }
  }

  get report(): ComparingReport {
    const { provider, adapter, software, reason } = this.#compute
    return { provider, adapter, software, reason, staysOpen: this.#staysOpen }
  }

  /** Another model, or none, takes so many bytes of the same device from now on. */
  standBeside(bytes: number): void {
    this.#staysOpen = this.#fitsBeside(bytes)
  }

  /**
   * What the vision encoder makes of a picture, once for those that were seen last; not by this model's own where another
   * on the same tower has looked. It stays this object's.
   */
  async see(
    { id, image, states }: ComparedPicture,
    report: ReportCompare,
    signal: AbortSignal,
  ): Promise<EncodedPicture> {
    const before = this.#seen.get(id)
    const seen =
      before ?? (await this.#encodedElsewhere(states)) ?? (await this.encode(image, report, signal))
    this.#seen.delete(id)
    this.#seen.set(id, seen)
    const [oldest] = this.#seen
    if (this.#seen.size > MOST_SEEN && oldest !== undefined) {
      this.#seen.delete(oldest[0])
      oldest[1].features.dispose()
    }
    return seen
  }

  /** Encodes a picture that nobody will ask for again soon. Its features are the caller's. */
  async encode(image: Blob, report: ReportCompare, signal: AbortSignal): Promise<EncodedPicture> {
    report({ stage: 'looking' })
    const { pixels } = await this.#readPicture(image, this.model.manifest.preprocessing)
    throwIfCancelled(signal)
    return this.model.encode(pixels, { signal })
  }

  /** Null where it has to be looked at here, for whatever reason. */
  async #encodedElsewhere(states: ComparedPicture['states']): Promise<EncodedPicture | null> {
    if (states === undefined) return null
    return this.model.encodedElsewhere(states).catch(() => null)
  }

  #fitsBeside(bytes: number): boolean {
    const needs = needsOf(this.model.manifest, this.#compute)
    const memory = memoryOf(this.#compute.device, this.#compute)
    return budgetFor({ ...needs, weightBytes: needs.weightBytes + bytes }, memory, 'keep').fits
  }

  async close(): Promise<void> {
    try {
      for (const { features } of this.#seen.values()) features.dispose()
      this.#seen.clear()
      await this.model.dispose()
    } finally {
      this.#compute.device?.destroy()
    }
  }
}
