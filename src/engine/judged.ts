/**
 * What ONNX Runtime computed in the self-test of our kernels, by model and device: kept between visits where the browser
 * lets us, so that only the first load needs both decoders, one behind the other.
 */
import type { Judgement, Judgements } from '../runtime/models/open-parts.ts'
import type { Table } from '../store/table.ts'

export class KeptJudgements implements Judgements {
  readonly #table: Table<Judgement>
  readonly #memory = new Map<string, Judgement>()

  constructor(table: Table<Judgement>) {
    this.#table = table
  }

  async recall(key: string): Promise<Judgement | undefined> {
    try {
      return this.#memory.get(key) ?? (await this.#table.get(key))
    } catch {
      // Without it the judge is asked again.
      return undefined
    }
  }

  /** Lets go of all of them; the judge is asked again. */
  async forget(): Promise<void> {
    this.#memory.clear()
    try {
      await this.#table.remove(await this.#table.keys())
    } catch {
      // What cannot be removed could not be kept either.
    }
  }

  async keep(key: string, judgement: Judgement): Promise<void> {
    this.#memory.set(key, judgement)
    try {
      await this.#table.set(key, judgement)
    } catch {
      // Storage may be absent, forbidden or full; until the page closes it is known all the same.
    }
  }
}
