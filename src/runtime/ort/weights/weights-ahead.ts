import { throwIfCancelled } from '../../../pack/failure.ts'
import type { PackReader } from '../../../pack/manifest.ts'

type File = ReturnType<PackReader['file']>

/** Weights files, of which one is asked for before it is used: it is read (and hashed, unless that is done later) while ONNX Runtime works. */
export class WeightsAhead {
  readonly #pack: PackReader
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  #asked: { path: string; file: File } | null = null

  constructor(pack: PackReader, signal: AbortSignal | undefined) {
    this.#pack = pack
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
  }

  /** Begins to read a weights file. */
  ask(path: string): void {
    const file = this.#pack.file(path, this.#signal)
    // Whoever takes it hears of its failure; when nobody does any more, nobody needs to.
    file.catch(() => undefined)
    this.#asked = { path, file }
  }

  /** What was asked for, or the file now if it was not. */
  take(path: string, signal: AbortSignal | undefined): File {
    const asked = this.#asked
    if (asked?.path !== path) return this.#pack.file(path, signal)
    this.#asked = null
    throwIfCancelled(signal)
    return asked.file
  }

  /** Ends what is being read and was not taken. */
  cancel(): void {
    if (this.#asked !== null) this.#stop.abort()
    this.#asked = null
  }
}
