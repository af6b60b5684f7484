/** Whether two tensors of a checkpoint hold the same values: to be sure of it one has to read both to the end. */
import type { SameValues } from './families/family.ts'
import { elementsOf, readableBytes, type Checkpoint } from './checkpoint.ts'

/** Rows that are looked at first, spread over the tensor. Tensors that were trained apart differ in every row. */
const SAMPLED_ROWS = 8

/** A band holds at most this many elements, 16 MiB as float32, unless a single row has more. */
const BAND_ELEMENTS = 2 ** 22

export interface ComparisonOptions {
  /** Told of what has been read of both, while equality is being made sure of. */
  onRead?: ((tensor: string, doneBytes: number, totalBytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * How it is found out whether two stored tensors are one: `sure` reads both, as a conversion must; `likely` looks at a few
 * rows of each, so that an offer costs no download. What differs there, differs; what is equal may still not be, and
 * `at-worst` takes it that it is not.
 */
export type Comparing = 'sure' | 'likely' | 'at-worst'

/** What a plan wants to know of stored tensors. */
export class Comparisons {
  /** Bytes that the answers took, or (where they rest on a few rows) would take to be sure of. */
  bytes = 0
  /** Whether every answer is certain. */
  isSure = true
  readonly #checkpoint: Checkpoint
  readonly #comparing: Comparing
  readonly #options: ComparisonOptions
  /** Of pairs whose rows were looked at: whether they seem to be one. */
  readonly #seeming: Map<string, boolean>

  constructor(
    checkpoint: Checkpoint,
    comparing: Comparing,
    options: ComparisonOptions,
    seeming = new Map<string, boolean>(),
  ) {
    this.#checkpoint = checkpoint
    this.#comparing = comparing
    this.#options = options
    this.#seeming = seeming
  }

  readonly same: SameValues = async (...tensors) => {
    if (tensors[0] === tensors[1]) return true
    if (this.#comparing === 'sure') return this.#readBoth(tensors)
    if (!(await this.#seemSame(tensors))) return false
    this.isSure = false
    this.bytes += bytesToCompare(this.#checkpoint, tensors)
    return this.#comparing === 'likely'
  }

  /** The same taken at worst, without another look at the rows that these looked at. */
  atWorst(): Comparisons {
    return new Comparisons(this.#checkpoint, 'at-worst', this.#options, this.#seeming)
  }

  async #seemSame(tensors: readonly [string, string]): Promise<boolean> {
    const pair = tensors.join(' ')
    const seems = this.#seeming.get(pair) ?? (await seemSame(this.#checkpoint, tensors, this.#options.signal))
    this.#seeming.set(pair, seems)
    return seems
  }

  async #readBoth(tensors: readonly [string, string]): Promise<boolean> {
    const before = this.bytes
    const onRead = (tensor: string, done: number, total: number): void => {
      this.bytes = before + done
      this.#options.onRead?.(tensor, this.bytes, before + total)
    }
    return areSame(this.#checkpoint, tensors, { onRead, signal: this.#options.signal })
  }
}

/** False is certain; true only says that some rows are equal. Reads 8 rows of each. */
async function seemSame(
  checkpoint: Checkpoint,
  tensors: readonly [string, string],
  signal?: AbortSignal,
): Promise<boolean> {
  const shape = commonShape(checkpoint, tensors)
  if (shape === null) return false
  const rows = shape[0] ?? 1
  const chosen = Array.from({ length: SAMPLED_ROWS }, (_, i) =>
    Math.round((i * (rows - 1)) / (SAMPLED_ROWS - 1)),
  )
  for (const row of new Set(chosen))
    if (!(await sameRows(checkpoint, tensors, { row, count: 1, signal }))) return false
  return true
}

/** Certain either way. Reads both tensors as far as they are equal, in bands. */
async function areSame(
  checkpoint: Checkpoint,
  tensors: readonly [string, string],
  { onRead, signal }: ComparisonOptions,
): Promise<boolean> {
  if (!(await seemSame(checkpoint, tensors, signal))) return false
  const [rows = 1, ...rest] = commonShape(checkpoint, tensors) ?? []
  const columns = elementsOf(rest)
  const step = Math.max(1, Math.floor(BAND_ELEMENTS / columns))
  const total = bytesToCompare(checkpoint, tensors)
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row)
    if (!(await sameRows(checkpoint, tensors, { row, count, signal }))) return false
    onRead?.(tensors[0], (total * (row + count)) / rows, total)
  }
  return true
}

/** Bytes that are read to be sure that the two are equal. */
function bytesToCompare({ tensors }: Checkpoint, names: readonly [string, string]): number {
  return names.reduce((sum, name) => {
    const info = tensors.get(name)
    return info === undefined ? sum : sum + elementsOf(info.shape) * (readableBytes(info.dtype) ?? 0)
  }, 0)
}

async function sameRows(
  checkpoint: Checkpoint,
  [one, other]: readonly [string, string],
  { row, count, signal }: { row: number; count: number; signal: AbortSignal | undefined },
): Promise<boolean> {
  const [a, b] = await Promise.all([
    checkpoint.readRows(one, row, count, signal),
    checkpoint.readRows(other, row, count, signal),
  ])
  return a.every((value, i) => value === b[i])
}

/** Null for two of different shapes. */
function commonShape(
  { tensors }: Checkpoint,
  [one, other]: readonly [string, string],
): readonly number[] | null {
  const [a, b] = [tensors.get(one)?.shape, tensors.get(other)?.shape]
  return a !== undefined && a.join() === b?.join() ? a : null
}
