import { throwIfCancelled } from '../../../pack/failure.ts'
import { weightsPath, type GraphName, type PackReader } from '../../../pack/manifest.ts'

type File = ReturnType<PackReader['file']>

/** Weights files, of which one is asked for before it is used: it is read and verified while ONNX Runtime works. */
export class WeightsAhead {
  readonly #pack: PackReader
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  #asked: { graph: GraphName; file: File } | null = null

  constructor(pack: PackReader, signal: AbortSignal | undefined) {
    this.#pack = pack
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
  }

  /** Begins to read a graph's weights. */
  ask(graph: GraphName): void {
    const file = this.#pack.file(weightsPath(graph), this.#signal)
    // Whoever takes it hears of its failure; when nobody does any more, nobody needs to.
    file.catch(() => undefined)
    this.#asked = { graph, file }
  }

  /** What was asked for, or the file now if it was not. */
  take(graph: GraphName, signal: AbortSignal | undefined): File {
    const asked = this.#asked
    if (asked?.graph !== graph) return this.#pack.file(weightsPath(graph), signal)
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
