/**
 * What the self-tests of our kernels found out, by part, weights and device: kept between visits where the browser lets us,
 * so that only the first load needs both what ONNX Runtime runs and ours, one behind the other.
 */
import type { Judgement, JudgementKey, Judgements } from '../runtime/models/open-parts.ts'
import type { Table } from '../store/table.ts'

type Computed = Pick<Judgement, 'expected'>

/** A row in two halves: what ONNX Runtime computed may be megabytes and is written once, the rest at every load. */
export type JudgedRow = { state: string } & ({ found: Omit<Judgement, keyof Computed> } | Computed)

export class KeptJudgements implements Judgements {
  readonly #table: Table<JudgedRow>
  readonly #memory = new Map<string, { state: string; judgement: Judgement }>()
  /** What is in the table. */
  #stored = new WeakSet<Computed['expected']>()

  constructor(table: Table<JudgedRow>) {
    this.#table = table
  }

  async recall(key: JudgementKey): Promise<Judgement | undefined> {
    const known = this.#memory.get(key.subject)
    if (known?.state === key.state) return known.judgement
    try {
      return await this.#read(key)
    } catch {
      // Without it the judge is asked again.
      return undefined
    }
  }

  /** Lets go of all of them; the judge is asked again. */
  async forget(): Promise<void> {
    this.#memory.clear()
    this.#stored = new WeakSet()
    try {
      await this.#table.remove(await this.#table.keys())
    } catch {
      // What cannot be removed could not be kept either.
    }
  }

  /** In the place of what was known of the same part, weights and device in another state. */
  async keep({ subject, state }: JudgementKey, judgement: Judgement): Promise<void> {
    this.#memory.set(subject, { state, judgement })
    const { expected, ...found } = judgement
    const rows: [string, JudgedRow][] = [[subject, { state, found }]]
    if (!this.#stored.has(expected)) rows.push([computedAt(subject), { state, expected }])
    try {
      await this.#table.setAll(rows)
      this.#stored.add(expected)
    } catch {
      // Storage may be absent, forbidden or full; until the page closes it is known all the same.
    }
  }

  async #read({ subject, state }: JudgementKey): Promise<Judgement | undefined> {
    const row = await this.#table.get(subject)
    if (row?.state !== state || !('found' in row)) return undefined
    const computed = await this.#table.get(computedAt(subject))
    if (computed?.state !== state || !('expected' in computed)) return undefined
    const { expected } = computed
    this.#stored.add(expected)
    return { ...row.found, expected }
  }
}

function computedAt(subject: string): string {
  return `${subject} computed`
}
